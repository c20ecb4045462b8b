# The chart: Helm's own check, the unit tests, and what each documented set of values renders to against the schemas
# of nixpkgs' Kubernetes and its Pod Security code.
{
  runCommand,
  buildGoModule,
  wrapHelm,
  kubernetes,
  kubernetes-helm,
  kubernetes-helmPlugins,
  kubeconform,
  sources,
  chart,
}:
let
  helm = wrapHelm kubernetes-helm { plugins = [ kubernetes-helmPlugins.helm-unittest ]; };
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
      helm
      kubeconform
      manifests
    ];
  }
  ''
    export HOME=$TMPDIR
    # It makes a directory beside the tests.
    cp -r ${sources.chart}/todo .
    chmod -R u+w todo
    helm unittest --strict todo
    manifests schemas $TMPDIR ${kubernetes.src}/api/openapi-spec/swagger.json
    # External databases and Secrets are in production's.
    for values in values values-minikube values-production; do
      echo "$values:"
      options="--values ${chart}/todo/$values.yaml --kube-version ${kubernetes.version}"
      helm lint --strict $options ${chart}/todo
      helm template todo $options ${chart}/todo > $values.yaml
      kubeconform -strict -summary \
        -schema-location "$TMPDIR/{{.ResourceKind}}{{.KindSuffix}}.json" $values.yaml
      manifests pod-security $values.yaml
    done
    touch $out
  ''
