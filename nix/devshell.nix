# `nix develop`: everything to build, test and operate the application by hand.
{
  lib,
  mkShell,
  tools,
  rust-analyzer,
  cargo-nextest,
  cargo-deny,
  sqlx-cli,
  kubectl-ai,
  kubeconform,
  kube-score,
  prometheus,
  jq,
  nixfmt,
}:
mkShell {
  packages = tools.test ++ [
    rust-analyzer
    cargo-nextest
    cargo-deny
    sqlx-cli
    kubectl-ai
    kubeconform
    kube-score
    # promtool
    (lib.getOutput "cli" prometheus)
    jq
    nixfmt
  ];
  shellHook = ''
    echo "cargo todo dev      the application at http://localhost:3000"
    echo "cargo todo deploy   the same on Minikube; nix run .#deploy with the images of the flake"
    echo "cargo xtask test    every test; --list names the steps"
  '';
}
