# frontend/node_modules as `npm ci` makes it: nixpkgs fetches each package by its address and hash in the lock file, and
# npm unpacks them.
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
  # Without its address a package is not fetched. Those for other platforms would be five times the weight of the rest.
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
  # Not by nixpkgs' npmConfigHook, which runs the packages' own install scripts.
  buildPhase = ''
    export HOME=$TMPDIR npm_config_cache=$TMPDIR/npm
    cp ${packages}/package-lock.json .
    npm ci --offline --ignore-scripts --no-audit --no-fund --progress=false \
      --os=${node.platform} --cpu=${node.arch} --libc=glibc
  '';
  # npm's own list names the archives in the store.
  installPhase = ''
    rm node_modules/.package-lock.json
    mv node_modules $out
  '';
  # It holds what the registry has, byte for byte, and refers to nothing.
  dontFixup = true;
  allowedReferences = [ ];
}
