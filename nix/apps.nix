# `nix run .#NAME`: `todo NAME` with every program that it calls, of the versions in flake.lock. What is deployed is
# handed over by store path, so it works without a checkout too.
{
  lib,
  linux,
  cli,
  handover,
  tools,
  writeShellApplication,
  kubectl-ai,
  nix,
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
  images-with-monitoring = images ++ [
    linux.prometheus-image
    linux.grafana-image
  ];
  built = images: "--images nix:${lib.concatMapStringsSep "," handover images}";
  deploy = images: "${built images} --chart ${linux.chart}/todo";
in
{
  deploy =
    todo "deploy" "Bring the application into Minikube, which is started if none runs" tools.deploy
      (deploy images);
  # An app of its own, since Prometheus and Grafana weigh more than all the rest.
  deploy-monitoring = app {
    name = "deploy-monitoring";
    description = "The same with Prometheus and Grafana";
    runtimeInputs = tools.deploy;
    text = ''exec ${lib.getExe cli} deploy --monitoring ${deploy images-with-monitoring} "$@"'';
  };
  ask = todo "ask" "Ask about the application in the cluster, with kubectl-ai" (
    tools.deploy ++ [ kubectl-ai ]
  ) "";
  down = todo "down" "Take it away again" tools.deploy "";
  doctor = todo "doctor" "Check what this machine needs" tools.test "";
  verify = todo "verify" "Compare the images of running pods with those of this build" tools.deploy (
    built images
  );
  dev = todo "dev" "Run the application from the checkout" tools.develop "";
  test = todo "test" "Run the tests of the checkout" tools.test "";

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
  update = app {
    name = "update";
    description = "Write the hash of the frontend's packages after a change of its lock file";
    runtimeInputs = [
      nix
      jq
    ];
    text = builtins.readFile ./update.sh;
  };
}
