# The bills of materials of both applications in CycloneDX: backend.cdx.json and frontend.cdx.json.
{
  craneLib,
  cargo-cyclonedx,
  nodejs_24,
  jq,
  sources,
  backend,
}:
craneLib.mkCargoDerivation {
  pname = "todo-sbom";
  inherit (sources) version;
  src = sources.backend;
  cargoArtifacts = null;
  doInstallCargoArtifacts = false;
  nativeBuildInputs = [
    cargo-cyclonedx
    nodejs_24
    jq
  ];
  preConfigure = backend.stubs;
  buildPhaseCargoCommand = ''
    cargo cyclonedx --manifest-path backend/Cargo.toml --format json --override-filename bom
    # npm names the application by its directory.
    cp -r ${sources.node-modules} todo-frontend
    HOME=$TMPDIR npm --prefix todo-frontend sbom --package-lock-only --omit dev --sbom-format cyclonedx > npm.json
  '';
  # Fields that differ in every run are removed.
  installPhaseCommand = ''
    mkdir $out
    jq 'del(.serialNumber, .metadata.timestamp)' backend/bom.json > $out/backend.cdx.json
    jq 'del(.serialNumber, .metadata.timestamp)' npm.json > $out/frontend.cdx.json
  '';
}
