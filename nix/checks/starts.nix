# starts { }: for each component of the chart a check that what is shipped starts. It unpacks the image's own layers and
# starts its entry point as the chart's pod does (./pod.sh), until the pod's own readiness probe succeeds.
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
  # What the chart renders to, as a JSON array.
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
# starts NAME { components, script }: the components become ready one after the other, then the script succeeds.
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
