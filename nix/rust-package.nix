# rustPackage { package, src, … }: one member of the workspace in release, its dependencies a derivation of their own.
# Other arguments are those of crane's buildPackage.
{
  lib,
  craneLib,
  sources,
}:
{ package, ... }@args:
let
  common = {
    pname = package;
    inherit (sources) version;
    strictDeps = true;
    cargoExtraArgs = "--locked --package ${package}";
    # The checks run the tests: here not even their dependencies are built.
    doCheck = false;
  }
  // removeAttrs args [ "package" ];
  # A member without a source file does not load, and the others' are not here.
  stubs = lib.concatMapStrings (file: "mkdir -p ${dirOf file} && touch -a ${file}\n") [
    "backend/src/lib.rs"
    "cli/src/lib.rs"
    "e2e/src/lib.rs"
    "e2e/tests/cluster/main.rs"
    "testing/llm/src/lib.rs"
    "xtask/src/lib.rs"
  ];
in
craneLib.buildPackage (
  common
  // {
    cargoArtifacts = craneLib.buildDepsOnly (common // { cargoCheckCommand = "true"; });
    preConfigure = stubs;
    passthru = { inherit stubs; };
  }
)
