# All outputs for one system. Each file has the name of its output.
{
  pkgs,
  # The scope below for the Linux that belongs to this system: the contents of images.
  linux,
  crane,
  nix2container,
}:
let
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) isLinux system;
  scope = lib.makeScope pkgs.newScope (self: {
    inherit linux;
    craneLib = crane.mkLib pkgs;
    inherit (nix2container.packages.${system}) nix2container nix2container-bin;
    sources = self.callPackage ./sources.nix { };
    system-files = self.callPackage ./system-files.nix { };
    handover = self.callPackage ./handover.nix { };
    standalone = self.callPackage ./standalone.nix { };
    image = self.callPackage ./image.nix { };
    image-archive = self.callPackage ./image-archive { };

    rustPackage = self.callPackage ./rust-package.nix { };
    backend = self.callPackage ./backend.nix { };
    frontend = self.callPackage ./frontend.nix { };
    node-modules = self.callPackage ./node-modules.nix { };
    cli = self.callPackage ./cli.nix { };
    backend-image = self.callPackage ./backend-image.nix { };
    frontend-image = self.callPackage ./frontend-image.nix { };
    postgres-image = self.callPackage ./postgres-image { };
    prometheus-image = self.callPackage ./prometheus-image.nix { };
    grafana-image = self.callPackage ./grafana-image.nix { };
    chart = self.callPackage ./chart.nix { };
    sbom = self.callPackage ./sbom.nix { };
    tools = self.callPackage ./tools.nix { };
    starts = self.callPackage ./checks/starts.nix { };
  });
  # callPackage would add attributes to the result of a file that is a set of outputs and no package.
  outputs =
    file:
    removeAttrs (scope.callPackage file { }) [
      "override"
      "overrideDerivation"
    ];
in
{
  inherit scope;
  packages = {
    inherit (scope) cli;
    inherit (linux)
      backend
      frontend
      node-modules
      backend-image
      frontend-image
      postgres-image
      prometheus-image
      grafana-image
      chart
      sbom
      ;
    default = scope.cli;
  };
  apps = outputs ./apps.nix;
  checks = lib.optionalAttrs isLinux (outputs ./checks);
  devShells.default = scope.callPackage ./devshell.nix { };
  formatter = pkgs.nixfmt-tree;
}
