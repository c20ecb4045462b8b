# The frontend as Next.js' standalone output: what `node server.js` serves. Equal sources give equal bytes.
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
    # Not a link: Turbopack refuses one that leads out of the project.
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
  # It refers to nothing: what runs it is the image's affair.
  dontFixup = true;
  allowedReferences = [ ];
  meta = {
    description = "Web frontend of the Todo application";
    license = lib.licenses.asl20;
  };
}
