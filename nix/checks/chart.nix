# Checks the chart by helm lint and the unit tests, the manifests of each documented set of values by the schemas and
# the Pod Security code of Kubernetes in nixpkgs, and the configuration of Prometheus by promtool.
{
  lib,
  runCommand,
  buildGoModule,
  kubernetes,
  kubernetes-helm,
  kubernetes-helmPlugins,
  kubeconform,
  prometheus,
  yq-go,
  sources,
  chart,
}:
let
  manifests = buildGoModule {
    pname = "manifests";
    inherit (sources) version;
    src = sources.manifests;
    vendorHash = "sha256-R8+AYPP6kx6u0CNcIxJrtbFLyQAa7P08Sy7MgRV/nhc=";
  };
in
runCommand "todo-chart-checks"
  {
    nativeBuildInputs = [
      kubernetes-helm
      kubeconform
      manifests
      yq-go
      (lib.getOutput "cli" prometheus)
    ];
  }
  ''
    export HOME=$TMPDIR
    # helm-unittest creates a directory next to the tests.
    cp -r ${sources.chart}/todo .
    chmod -R u+w todo
    # The program is called directly, since nixpkgs names it otherwise than plugin.yaml, and Helm does not find it.
    "$(find ${kubernetes-helmPlugins.helm-unittest}/helm-unittest -type f -perm -0100)" --strict todo
    manifests schemas $TMPDIR ${kubernetes.src}/api/openapi-spec/swagger.json
    # The values for production have an external database and a Secret.
    for values in values values-minikube values-production; do
      echo "$values:"
      options="--values ${chart}/todo/$values.yaml --kube-version ${kubernetes.version}"
      helm lint --strict $options ${chart}/todo
      helm template todo $options ${chart}/todo > $values.yaml
      kubeconform -strict -summary \
        -schema-location "$TMPDIR/{{.ResourceKind}}{{.KindSuffix}}.json" $values.yaml
      manifests pod-security $values.yaml
    done
    helm template todo --kube-version ${kubernetes.version} --set monitoring.enabled=true,monitoring.nodeMetrics=true \
      --show-only templates/monitoring/configmap.yaml ${chart}/todo > monitoring.yaml
    yq '.data["rules.yml"]' monitoring.yaml > rules.yml
    yq '.data["prometheus.yml"]' monitoring.yaml | sed "s#/etc/prometheus/#$PWD/#" > prometheus.yml
    cp todo/tests/rules_test.yml .
    promtool check config --syntax-only prometheus.yml
    promtool test rules rules_test.yml
    touch $out
  ''
