{
  description = "A task list for the browser, and everything that makes a running cluster of its source";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    crane.url = "github:ipetkov/crane";
    nix2container.url = "github:nlewo/nix2container";
    nix2container.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs =
    {
      nixpkgs,
      crane,
      nix2container,
      ...
    }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      project = lib.genAttrs systems (
        system:
        import ./nix {
          inherit crane nix2container;
          pkgs = nixpkgs.legacyPackages.${system};
          # Images are for Linux, also if macOS deploys them.
          linux = project.${lib.replaceString "darwin" "linux" system}.scope;
        }
      );
      output = name: lib.mapAttrs (_: project: project.${name}) project;
    in
    {
      packages = output "packages";
      apps = output "apps";
      checks = output "checks";
      devShells = output "devShells";
      formatter = output "formatter";
    };
}
