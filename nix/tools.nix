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
    # minikube brings a kubectl of its own, which must not be found first.
    kubectl
    kubernetes-helm
    minikube
    docker-client
    skopeo
    git
  ];
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
    ++ deploy
    ++ [
      shellcheck
      go
      python3
    ];
}
