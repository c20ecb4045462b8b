# frontend/node_modules as `npm ci` makes it: the one thing that is fetched by a hash of its own, since the lock file
# holds no addresses. `nix run .#update` writes the hash after a change of the lock file.
{
  lib,
  stdenvNoCC,
  nodejs_24,
  cacert,
  sources,
}:
let
  inherit (stdenvNoCC.hostPlatform) system node;
  lock = builtins.hashFile "sha256" ../frontend/package-lock.json;
in
stdenvNoCC.mkDerivation {
  # Named after what it is made from: the output of another lock file can never stand in for it.
  name = "todo-node-modules-${builtins.substring 0 12 lock}";
  src = sources.node-modules;
  nativeBuildInputs = [ nodejs_24 ];
  impureEnvVars = lib.fetchers.proxyImpureEnvVars;
  SSL_CERT_FILE = "${cacert}/etc/ssl/certs/ca-bundle.crt";
  NODE_EXTRA_CA_CERTS = "${cacert}/etc/ssl/certs/ca-bundle.crt";
  buildPhase = ''
    export HOME=$TMPDIR npm_config_cache=$TMPDIR/npm
    npm ci --ignore-scripts --no-audit --no-fund --progress=false \
      --os=${node.platform} --cpu=${node.arch} ${lib.optionalString stdenvNoCC.hostPlatform.isLinux "--libc=glibc"}
  '';
  installPhase = ''
    rm node_modules/.package-lock.json
    mv node_modules $out
  '';
  # What is fetched by hash may not name store paths.
  dontFixup = true;
  outputHashMode = "recursive";
  outputHash = (lib.importJSON ./node-modules.json).${system};
}
