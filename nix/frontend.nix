# The frontend as the standalone output of Next.js, which `node server.js` serves. Equal sources give equal bytes.
{
  lib,
  stdenvNoCC,
  nodejs_24,
  node-modules,
  sources,
}:
stdenvNoCC.mkDerivation {
  pname = "todo-frontend";
  inherit (sources) version;
  src = sources.frontend;
  nativeBuildInputs = [ nodejs_24 ];
  buildPhase = ''
    runHook preBuild
    # The directory is copied, since Turbopack refuses a link that leads out of the project.
    cp -r ${node-modules} node_modules
    chmod -R u+w node_modules
    node scripts/build.mjs
    runHook postBuild
  '';
  installPhase = ''
    runHook preInstall
    mkdir $out
    cp -r .next/standalone/. $out
    runHook postInstall
  '';
  # The output has no references, since the image contains what runs it.
  dontFixup = true;
  allowedReferences = [ ];
  meta = {
    description = "Web frontend of the Todo application";
    license = lib.licenses.asl20;
  };
}
