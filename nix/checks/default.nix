# `nix flake check`: each attribute is one check.
{
  lib,
  craneLib,
  sources,
  backend,
  cli,
  backend-image,
  frontend-image,
  postgres-image,
  chart,
  frontend,
  node-modules,
  handover,
  nodejs_24,
  postgresql_17,
  shellcheck,
  nixfmt,
  jq,
  cacert,
  git,
  stdenv,
  patchelf,
  starts,
  runCommand,
  callPackage,
}:
let
  # The whole workspace is compiled in the profile of tests.
  workspace = {
    pname = "todo-workspace";
    inherit (sources) version;
    src = sources.rust;
    strictDeps = true;
    cargoExtraArgs = "--locked --workspace";
    CARGO_PROFILE = "dev";
    env.SQLX_OFFLINE = "true";
  };
  cargoArtifacts = craneLib.buildDepsOnly (
    workspace
    // {
      cargoCheckCommand = "true";
      cargoBuildCommand = "cargo test --no-run";
    }
  );
  ofWorkspace = workspace // {
    inherit cargoArtifacts;
    doInstallCargoArtifacts = false;
  };

  ofFrontend =
    name: script:
    runCommand "todo-frontend-${name}"
      {
        nativeBuildInputs = [
          nodejs_24
          patchelf
        ];
      }
      ''
        cp -r ${sources.frontend-all} frontend
        chmod -R u+w frontend
        cd frontend
        cp -r ${node-modules} node_modules
        chmod -R u+w node_modules
        export HOME=$TMPDIR NEXT_TELEMETRY_DISABLED=1
        run() { local program=$1; shift; node node_modules/$program "$@"; }
        ${script}
        touch $out
      '';

  # budget IMAGE: checks that the image is within its budget, and its own layer within 15 MB.
  budget =
    image:
    let
      megabytes = (lib.importJSON ../budgets.json).${image.imageName};
    in
    runCommand "${image.imageName}-budget" { nativeBuildInputs = [ jq ]; } ''
      size=$(jq '[.layers[].size] | add' ${image}) own=$(jq '.layers[-1].size' ${image})
      echo "${image.imageName}: $size bytes, our own layer $own"
      [ $size -le ${toString megabytes}000000 ] || { echo "over its budget of ${toString megabytes} MB" >&2; exit 1; }
      [ $own -le 15000000 ] || { echo "our own layer is over its budget of 15 MB" >&2; exit 1; }
      touch $out
    '';
in
{
  inherit backend cli;

  clippy = craneLib.cargoClippy (
    ofWorkspace // { cargoClippyExtraArgs = "--all-targets -- --deny warnings"; }
  );
  rustfmt = craneLib.cargoFmt {
    inherit (workspace) pname version;
    src = sources.rust;
  };
  deny = craneLib.cargoDeny {
    inherit (workspace) pname version;
    src = sources.rust;
  };
  # The tests run against a real PostgreSQL in the sandbox. Of `todo` and `xtask`, only those run that need no program from
  # /bin, which the build environment does not have. All are compiled with the features of the workspace, so that cargo
  # compiles no dependency again.
  rust-tests = craneLib.cargoNextest (
    ofWorkspace
    // {
      src = sources.everything;
      cargoNextestExtraArgs = ''--no-fail-fast --filterset "package(=todo-backend) + package(=todo-llm) + (package(=todo) & kind(lib)) + (package(=xtask) & (kind(lib) + binary(=inputs)))"'';
      nativeBuildInputs = [
        git
        # Its development output, which is the default here, has no programs.
        (lib.getBin postgresql_17)
      ];
      preCheck = ''
        export HOME=$TMPDIR LANG=C SSL_CERT_FILE=${cacert}/etc/ssl/certs/ca-bundle.crt
        initdb --pgdata $TMPDIR/postgres --username postgres --auth trust --encoding UTF8 \
          --locale C --locale-provider icu --icu-locale und
        pg_ctl --pgdata $TMPDIR/postgres --wait --options "-k $TMPDIR" start
        export DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres
      '';
      postCheck = "pg_ctl --pgdata $TMPDIR/postgres --mode immediate stop";
    }
  );

  frontend-lint = ofFrontend "lint" ''
    # The program needs a loader at a path that the sandbox does not have.
    biome=$(echo node_modules/@biomejs/cli-*/biome)
    chmod +x $biome
    patchelf --set-interpreter "$(cat ${stdenv.cc}/nix-support/dynamic-linker)" \
      --set-rpath ${
        lib.makeLibraryPath [
          stdenv.cc.libc
          stdenv.cc.cc
        ]
      } $biome
    $biome check --error-on-warnings --vcs-enabled=false
    run next/dist/bin/next typegen
    run typescript/bin/tsc
  '';
  frontend-tests = ofFrontend "tests" "run vitest/vitest.mjs run --project unit";
  # scripts/build.mjs sets the values that Next.js would generate at random.
  frontend-reproducible = runCommand "todo-frontend-reproducible" { nativeBuildInputs = [ jq ]; } ''
    jq --exit-status '.preview | length == 3 and all(test("^0+$"))' ${frontend}/.next/prerender-manifest.json
    jq --exit-status '.encryptionKey | test("^A+=$")' ${frontend}/.next/server/server-reference-manifest.json
    touch $out
  '';

  # The images start in the environment of the chart's pods.
  postgres-starts = starts "postgres-starts" { components = [ "postgres" ]; };
  backend-starts = starts "backend-starts" {
    components = [
      "postgres"
      "backend"
    ];
  };
  frontend-starts = starts "frontend-starts" { components = [ "frontend" ]; };
  prometheus-starts = starts "prometheus-starts" { components = [ "prometheus" ]; };
  grafana-starts = starts "grafana-starts" {
    components = [ "grafana" ];
    script = ''
      password=$(jq --raw-output '.[] | select(.kind == "Secret").data["admin-password"] // empty | @base64d' $objects)
      ask() { curl --silent --show-error --fail --user "admin:$password" "http://127.0.0.1:3000/api/$1"; }
      ask datasources/uid/prometheus
      ask plugins/prometheus/settings ||
        { echo "Grafana has no Prometheus data source: every panel of the dashboards is empty" >&2; exit 1; }
      [ "$(ask 'search?type=dash-db' | jq length)" = "$(find ${chart}/todo/dashboards -name '*.json' | wc -l)" ]
    '';
  };

  backend-budget = budget backend-image;
  frontend-budget = budget frontend-image;
  # The frontend needs no native module. If there is one, Next.js has traced a package that is not used.
  frontend-portable = runCommand "todo-frontend-portable" { } ''
    if find ${frontend} -name '*.node' | grep .; then exit 1; fi
    touch $out
  '';
  # No layer contains a private key or a file that git ignores.
  image-secrets = runCommand "todo-image-secrets" { nativeBuildInputs = [ jq ]; } ''
    for image in ${backend-image} ${frontend-image}; do
      for path in $(jq --raw-output '.layers[].paths[].path' $image); do
        # `!` does not end a script with `set -e`.
        if find $path \( -name '.env*' -o -name .npmrc -o -name '*.key' -o -name 'id_*' -o -name .git \) | grep .; then exit 1; fi
        if grep -rl -e '-----BEGIN [A-Z ]*PRIVATE KEY-----$' $path; then exit 1; fi
      done
    done
    touch $out
  '';
  chart = callPackage ./chart.nix { };
  # The tag in the chart is a prefix of the id of the loaded archive.
  tags = runCommand "todo-tags" { nativeBuildInputs = [ jq ]; } (
    lib.concatMapStrings
      (image: ''
        ${handover image}/archive image.tar
        config=$(tar --extract --to-stdout --file image.tar manifest.json | jq --raw-output '.[0].Config')
        is=$(tar --extract --to-stdout --file image.tar $config | sha256sum | head -c 64)
        [ $is = $(cat ${image.id}) ] || { echo "${image.imageName} is $is, not $(cat ${image.id})" >&2; exit 1; }
        grep -q "tag: \"\?$(head -c 12 ${image.id})" ${chart}/todo/values.yaml
      '')
      [
        backend-image
        frontend-image
        postgres-image
      ]
    + "touch $out"
  );

  shell = runCommand "todo-shellcheck" { nativeBuildInputs = [ shellcheck ]; } ''
    cd ${sources.everything}
    shellcheck --external-sources --source-path=SCRIPTDIR $(grep -rlE '^#!.*\b(ba)?sh\b' --exclude-dir=node_modules .)
    touch $out
  '';
  nixfmt = runCommand "todo-nixfmt" { nativeBuildInputs = [ nixfmt ]; } ''
    cd ${sources.everything}
    nixfmt --check flake.nix $(find nix -name '*.nix')
    touch $out
  '';
}
