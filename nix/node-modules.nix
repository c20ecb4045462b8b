# frontend/node_modules, as `npm ci` creates it. nixpkgs fetches each package by its URL and hash in the lock file, and
# npm unpacks the packages.
{
  lib,
  stdenvNoCC,
  nodejs_24,
  importNpmLock,
  sources,
}:
let
  inherit (stdenvNoCC.hostPlatform) node;
  lock = lib.importJSON ../frontend/package-lock.json;
  isForThisPlatform =
    package:
    lib.elem node.platform package.os or [ node.platform ]
    && lib.elem node.arch package.cpu or [ node.arch ]
    && lib.elem "glibc" package.libc or [ "glibc" ];
  # A package without a URL is not fetched. The packages for other platforms would be five times as large as the rest.
  packages = importNpmLock {
    package = lib.importJSON ../frontend/package.json;
    packageLock = lock // {
      packages = lib.mapAttrs (
        _: package: if isForThisPlatform package then package else removeAttrs package [ "resolved" ]
      ) lock.packages;
    };
  };
in
stdenvNoCC.mkDerivation {
  pname = "todo-node-modules";
  inherit (sources) version;
  src = sources.node-modules;
  nativeBuildInputs = [ nodejs_24 ];
  # npmConfigHook of nixpkgs is not used, since it runs the install scripts of the packages.
  buildPhase = ''
    export HOME=$TMPDIR npm_config_cache=$TMPDIR/npm
    cp ${packages}/package-lock.json .
    npm ci --offline --ignore-scripts --no-audit --no-fund --progress=false \
      --os=${node.platform} --cpu=${node.arch} --libc=glibc
  '';
  # npm writes a list of the packages that contains store paths.
  installPhase = ''
    rm node_modules/.package-lock.json
    mv node_modules $out
  '';
  # The output has the exact files of the registry, and no references.
  dontFixup = true;
  allowedReferences = [ ];
}
