# rustPackage { package, src, … }: the release build of one member of the workspace, with its dependencies as a separate
# derivation. Other arguments are those of buildPackage of crane.
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
    # The checks run the tests, so their dependencies are not built here.
    doCheck = false;
  }
  // removeAttrs args [ "package" ];
  # Cargo does not load a member without a source file, and the sources of other members are missing here.
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
