# The source files of each part. A change of other files does not rebuild the part.
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
  # Cargo reads the manifest of every member, also if it builds only one.
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
  # The checks need the sources of the whole workspace.
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

  # `npm ci` reads these files.
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
  # This source includes the tests.
  frontend-all = fileset.toSource {
    root = ../frontend;
    fileset = fileset.intersection (fileset.gitTracked root) ../frontend;
  };

  chart = fileset.toSource {
    root = ../helm;
    fileset = fileset.intersection (fileset.gitTracked root) ../helm/todo;
  };
  # This program checks the manifests that the chart renders.
  manifests = fileset.toSource {
    root = ../helm/tools/manifests;
    fileset = fileset.intersection (fileset.gitTracked root) ../helm/tools/manifests;
  };
  everything = source [ root ];
}
