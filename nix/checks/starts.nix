# starts NAME { components, script }: a check that images start. For each component of the chart in order, it unpacks
# the layers of the image, starts the entry point as the component's pod does (./pod.sh), and waits until the readiness
# probe of the pod succeeds. Then the script has to succeed.
{
  lib,
  runCommand,
  bubblewrap,
  curl,
  jq,
  yq-go,
  kubernetes-helm,
  chart,
  handover,
  backend-image,
  frontend-image,
  postgres-image,
  prometheus-image,
  grafana-image,
}:
let
  images = {
    backend = backend-image;
    frontend = frontend-image;
    postgres = postgres-image;
    prometheus = prometheus-image;
    grafana = grafana-image;
  };
  # The manifests of the chart, as a JSON array.
  objects =
    runCommand "todo-objects.json"
      {
        nativeBuildInputs = [
          kubernetes-helm
          yq-go
          jq
        ];
      }
      ''
        export HOME=$TMPDIR
        helm template todo ${chart}/todo --values ${chart}/todo/values-minikube.yaml --set monitoring.enabled=true |
          yq --output-format json --indent 0 | jq --slurp 'map(select(. != null))' > $out
      '';
in
name:
{
  components,
  script ? "",
}:
runCommand "todo-${name}"
  {
    nativeBuildInputs = [
      bubblewrap
      curl
      jq
    ];
  }
  ''
    source ${./pod.sh}
    objects=${objects}
    ${lib.concatMapStrings (component: ''
      unpack ${handover images.${component}} ${component}
      pod ${component}
    '') components}
    ${script}
    touch $out
  ''
