# The programs that `todo` and `xtask` call, in the order of PATH.
{
  kubectl,
  kubernetes-helm,
  minikube,
  docker-client,
  skopeo,
  git,
  cargo,
  rustc,
  clippy,
  rustfmt,
  stdenv,
  nodejs_24,
  postgresql_17,
  shellcheck,
  go,
  python3,
}:
rec {
  deploy = [
    kubernetes-helm
    minikube
    docker-client
    skopeo
    git
  ];
  # kubectl-ai runs kubectl. minikube brings one of its own, which must not be found first.
  ask = [ kubectl ] ++ deploy;
  develop = [
    cargo
    rustc
    clippy
    rustfmt
    stdenv.cc
    nodejs_24
    postgresql_17
    git
  ];
  test =
    develop
    ++ ask
    ++ [
      shellcheck
      go
      python3
    ];
}
