# `nix run .#NAME`: `todo NAME` with every program that it calls, of the versions in flake.lock. What is deployed is
# handed over by store path, so it works without a checkout too.
{
  lib,
  stdenv,
  linux,
  cli,
  handover,
  tools,
  writeShellApplication,
  kubectl-ai,
  jq,
}:
let
  app =
    {
      name,
      description,
      runtimeInputs,
      text,
    }:
    {
      type = "app";
      program = lib.getExe (writeShellApplication {
        name = "todo-${name}";
        inherit runtimeInputs text;
      });
      meta = { inherit description; };
    };
  todo =
    name: description: runtimeInputs: arguments:
    app {
      inherit name description runtimeInputs;
      text = ''exec ${lib.getExe cli} ${name} ${arguments} "$@"'';
    };
  images = [
    linux.backend-image
    linux.frontend-image
    linux.postgres-image
  ];
  # Prometheus and Grafana are larger than all other images together.
  monitoring-images = [
    linux.prometheus-image
    linux.grafana-image
  ];
  # For `nix build`: derivations, in place of their outputs, which would be built before the app starts.
  derivations = lib.concatMapStringsSep " " (
    package: "'${builtins.unsafeDiscardOutputDependency package.drvPath}^out'"
  );
  # todo-with-images NAME DESCRIPTION PACKAGES: `todo NAME` with the images, and the chart where it is among PACKAGES.
  # All of them are for Linux and built when the app runs: on macOS a missing builder is named before a build fails, and
  # Prometheus and Grafana are built only for those who ask for them.
  todo-with-images =
    name: description: packages:
    app {
      inherit name description;
      runtimeInputs = tools.deploy;
      text = ''
        wanted=(${derivations packages})
        for argument; do
          case $argument in
            --help | -h) exec ${lib.getExe cli} ${name} --help ;;
            --monitoring) wanted+=(${derivations (map handover monitoring-images)}) ;;
          esac
        done
        ${lib.optionalString stdenv.hostPlatform.isDarwin "${lib.getExe cli} doctor --nix"}
        # The nix that runs this app also builds the images.
        built=$(nix --extra-experimental-features nix-command build --no-link --print-out-paths "''${wanted[@]}")
        images=nix: options=()
        for path in $built; do
          if [ -e "$path/todo/Chart.yaml" ]; then options+=(--chart "$path/todo"); else images+=$path,; fi
        done
        exec ${lib.getExe cli} ${name} --images "$images" "''${options[@]}" "$@"
      '';
    };
in
{
  deploy =
    todo-with-images "deploy" "Bring the application into Minikube, which is started if none runs"
      ([ linux.chart ] ++ map handover images);
  ask = todo "ask" "Ask about the application in the cluster, with kubectl-ai" (
    tools.ask ++ [ kubectl-ai ]
  ) "";
  down = todo "down" "Take it away again" tools.deploy "";
  doctor = todo "doctor" "Check what this machine needs" tools.test "";
  verify = todo-with-images "verify" "Compare the images of running pods with those of this build" (
    map handover images
  );
  dev = todo "dev" "Run the application from the checkout" tools.develop "";
  # xtask is compiled from the checkout, like everything that it tests.
  test = app {
    name = "test";
    description = "Run the tests of the checkout";
    runtimeInputs = tools.test;
    text = ''exec cargo xtask test "$@"'';
  };

  size = app {
    name = "size";
    description = "Show what each layer of each image weighs, in kB";
    runtimeInputs = [ jq ];
    text = lib.concatMapStrings (image: ''
      jq --raw-output --arg name ${image.imageName} '
        def kB: . / 1000 | round;
        "\($name): \([.layers[].size] | add | kB)",
        (.layers[] | "  \(.size | kB)\t\([.paths[].path | sub("^/nix/store/[^-]*-"; "")] | join(" "))")
      ' ${image}
    '') images;
  };
}
