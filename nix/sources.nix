# What each part is built from: a change elsewhere rebuilds nothing of it.
{ lib }:
let
  inherit (lib) fileset;
  root = ../.;
  source =
    files:
    fileset.toSource {
      inherit root;
      fileset = fileset.intersection (fileset.gitTracked root) (fileset.unions files);
    };
  # cargo reads the manifest of every member, whichever it builds.
  manifests = [
    ../Cargo.toml
    ../Cargo.lock
    ../backend/Cargo.toml
    ../cli/Cargo.toml
    ../e2e/Cargo.toml
    ../testing/llm/Cargo.toml
    ../xtask/Cargo.toml
  ];
in
{
  version = (lib.importTOML ../Cargo.toml).workspace.package.version;

  backend = source (
    manifests
    ++ [
      ../backend/.sqlx
      ../backend/build.rs
      ../backend/migrations
      ../backend/src
    ]
  );
  cli = source (manifests ++ [ ../cli/src ]);
  # For the checks, which are about the whole workspace.
  rust = source (
    manifests
    ++ [
      ../backend
      ../cli
      ../e2e
      ../testing
      ../xtask
      ../clippy.toml
      ../deny.toml
      ../rustfmt.toml
    ]
  );

  # What `npm ci` reads.
  node-modules = fileset.toSource {
    root = ../frontend;
    fileset = fileset.unions [
      ../frontend/package.json
      ../frontend/package-lock.json
    ];
  };
  frontend = fileset.toSource {
    root = ../frontend;
    fileset = fileset.intersection (fileset.gitTracked root) (
      fileset.unions [
        ../frontend/next.config.ts
        ../frontend/package.json
        ../frontend/postcss.config.mjs
        ../frontend/scripts
        ../frontend/src
        ../frontend/tsconfig.json
      ]
    );
  };
  # With the tests.
  frontend-all = fileset.toSource {
    root = ../frontend;
    fileset = fileset.intersection (fileset.gitTracked root) ../frontend;
  };

  chart = fileset.toSource {
    root = ../helm;
    fileset = fileset.intersection (fileset.gitTracked root) ../helm/todo;
  };
  # The program that judges what the chart renders to.
  manifests = fileset.toSource {
    root = ../helm/tools/manifests;
    fileset = fileset.intersection (fileset.gitTracked root) ../helm/tools/manifests;
  };
  everything = source [ root ];
}
