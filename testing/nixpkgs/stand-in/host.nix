# Debian's programs with the names in nixpkgs, the C compiler, and stubs.
{
  lib,
  stdenv,
  runCommandLocal,
  pkgs,
  debian,
  ...
}:
let
  inherit (debian)
    deb
    make
    archive
    seeded
    source
    index
    ;
  sh = pkgs.runtimeShell;
  # A command that only prints its arguments. Its store path contains "stub".
  stub =
    pname: version:
    runCommandLocal "${pname}-stub-${version}"
      {
        inherit pname version;
        meta.mainProgram = pname;
      }
      ''
        mkdir -p $out/bin
        printf '#!${sh}\necho "[stub] ${pname} $*" >&2\n' > $out/bin/${pname}; chmod +x $out/bin/${pname}
      '';
  some =
    d: bins:
    runCommandLocal "${lib.head bins}-${d.version}"
      {
        pname = lib.head bins;
        inherit (d) version;
        meta.mainProgram = lib.head bins;
      }
      ''
        mkdir -p $out/bin; for b in ${toString bins}; do [ -x ${d}/bin/$b ]; ln -s ${d}/bin/$b $out/bin/$b; done
      '';
  # The headers and links of the -dev package are the output dev, as in nixpkgs.
  withDev =
    lib': dev:
    deb.${lib'}
    // {
      dev = deb.${dev};
      out = deb.${lib'};
      outputs = [
        "out"
        "dev"
      ];
    };
in
rec {
  inherit (deb)
    bash
    coreutils
    findutils
    diffutils
    gawk
    gzip
    bzip2
    patchelf
    file
    glibc
    jq
    zstd
    rsync
    git
    curl
    shellcheck
    unzip
    openssl
    bison
    flex
    m4
    perl
    python3
    skopeo
    bubblewrap
    ;
  gnused = deb.sed;
  gnugrep = deb.grep;
  gnutar = deb.tar;
  gnumake = deb.make;
  gnupatch = deb.patch;
  xz = deb.xz-utils;
  bashInteractive = bash;
  bashNonInteractive = bash;
  runtimeShell = "${bash}/bin/bash";
  runtimeShellPackage = bash;
  shellcheck-minimal = shellcheck;
  gitMinimal = git;
  python3Minimal = python3;
  pkg-config = deb.pkgconf;
  icu = withDev "libicu78" "libicu-dev";
  zlib = withDev "zlib1g" "zlib1g-dev";
  readline = withDev "libreadline8t64" "libreadline-dev";
  lz4 = withDev "liblz4-1" "liblz4-dev";
  libxml2 = withDev "libxml2-16" "libxml2-dev";
  libuuid = withDev "libuuid1" "uuid-dev";
  tzdata = deb.tzdata;

  # gcc with the headers and start files of libc as its --sysroot. Linked programs use the libc of the store.
  gcc-unwrapped = deb.gcc-unwrapped // {
    lib = gcc-lib;
    libgcc = deb.libgcc-s1;
  };
  libgcc = deb.libgcc-s1;
  gcc-lib =
    runCommandLocal "gcc-${index.debs.gcc.upstream}-lib" { }
      "mkdir -p $out/lib; cp -a ${deb."libstdc++6"}/lib/*.so* ${deb.libgcc-s1}/lib/*.so* $out/lib/";
  sysroot = make "sysroot" {
    debs = [
      "libc6-dev"
      "libc6"
      "linux-libc-dev"
      "libc-dev-bin"
      "libgcc-s1"
    ];
    raw = true;
  };
  cc =
    runCommandLocal "gcc-wrapper-${index.debs.gcc.upstream}"
      {
        passthru = {
          isGNU = true;
          isClang = false;
          targetPrefix = "";
          libc = glibc;
          cc = gcc-unwrapped;
          bintools = {
            targetPrefix = "";
            bintools = gcc-unwrapped;
          };
          version = index.debs.gcc.upstream;
        };
      }
      ''
        mkdir -p $out/bin $out/libexec
        lib="${deb.glibc}/lib ${deb.libgcc-s1}/lib ${deb."libstdc++6"}/lib"
        L=; for l in $lib; do L="$L -L$l"; done
        for b in cc gcc c++ g++; do
          real=''${b/#cc/gcc}; real=''${real/#c++/g++}
          cat > $out/bin/$b <<END
        #!${sh}
        for a; do case \$a in -E|-S|-c) exec ${gcc-unwrapped}/bin/$real --sysroot=${sysroot} -B$out/libexec/ \''${NIX_CFLAGS_COMPILE:-} "\$@";; esac; done
        exec ${gcc-unwrapped}/bin/$real --sysroot=${sysroot} -B$out/libexec/ \''${NIX_CFLAGS_COMPILE:-} "\$@" \''${NIX_CFLAGS_LINK:-}
        END
          chmod +x $out/bin/$b
        done
        ln -s ${gcc-unwrapped}/bin/cpp $out/bin/cpp
        for b in ar as nm strip ranlib objcopy objdump readelf strings size addr2line; do ln -s ${gcc-unwrapped}/bin/$b $out/bin/$b; done
        cat > $out/bin/ld <<END
        #!${sh}
        # the libraries that a program uses go into its RPATH, as nixpkgs' ld-wrapper has it
        args=(); for a; do if [[ \$a == @* && -f "\''${a:1}" ]]; then eval "args+=(\$(< "\''${a:1}"))"; else args+=("\$a"); fi; done
        plain=; dirs=(); rpath=(); n=0; last=
        extra=($L \''${NIX_LDFLAGS:-})
        for a in "\''${args[@]}" "\''${extra[@]}"; do
          case \$a in -r|-static|-static-pie|--no-dynamic-linker) plain=1;; -L${sysroot}/*|-L${gcc-unwrapped}/*) ;; -L?*) dirs+=("\''${a:2}");; esac
          [ "\$last" != -L ] || dirs+=("\$a")
          last=\$a
        done
        add() { local d; d=\$(${coreutils}/bin/readlink -f "\$1"); d=\''${d%/*}; [[ \$d == /nix/store/* && " \''${rpath[*]} " != *" \$d "* ]] && rpath+=("\$d"); :; }
        if [ -z "\$plain" ]; then
          last=
          for a in "\''${args[@]}" -lc "\''${extra[@]}"; do
            [ "\$last" != -plugin ] || { last=; continue; }
            last=\$a
            case \$a in
              -l?*) for d in "\''${dirs[@]}"; do if [ -e "\$d/lib\''${a:2}.so" ]; then add "\$d/lib\''${a:2}.so"; break; elif [ -e "\$d/lib\''${a:2}.so.6" ]; then add "\$d/lib\''${a:2}.so.6"; break; elif [ -e "\$d/lib\''${a:2}.so.1" ]; then add "\$d/lib\''${a:2}.so.1"; break; fi; done;;
              /nix/store/*.so|/nix/store/*.so.*) add "\$a";;
            esac
          done
          # with a sysroot ld does not follow the RPATH of the libraries that it links
          extra+=(--allow-shlib-undefined -dynamic-linker ${deb.glibc}/lib/ld-linux-x86-64.so.2)
          for d in "\''${rpath[@]}"; do extra+=(-rpath "\$d"); done
        fi
        exec ${gcc-unwrapped}/bin/ld "\''${args[@]}" "\''${extra[@]}"
        END
        chmod +x $out/bin/ld; ln -s $out/bin/ld $out/libexec/ld
        for b in ar as nm strip; do ln -s ${gcc-unwrapped}/bin/$b $out/libexec/$b; done
      '';
  gcc = cc;
  binutils = cc;
  # stdenv.cc for other packages, which has the path of the loader. The compiler of stdenv itself is not changed, since
  # every package depends on it.
  stdenv-cc = runCommandLocal cc.name { inherit (cc) passthru; } ''
    mkdir -p $out/nix-support; ln -s ${cc}/* $out/
    echo ${glibc}/lib/ld-linux-x86-64.so.2 > $out/nix-support/dynamic-linker
  '';

  cargo = some deb.cargo [ "cargo" ];
  rustc =
    some deb.rust-unwrapped [
      "rustc"
      "rustdoc"
    ]
    // {
      targetPlatforms = [ "x86_64-linux" ];
      unwrapped = deb.rust-unwrapped;
    };
  clippy = some deb.rust-clippy [
    "cargo-clippy"
    "clippy-driver"
  ];
  rustfmt = some deb.rustfmt [
    "rustfmt"
    "cargo-fmt"
  ];
  rust-analyzer = stub "rust-analyzer" "0";
  cargo-audit = stub "cargo-audit" "0";
  cargo-llvm-cov = stub "cargo-llvm-cov" "0";
  cargo-tarpaulin = stub "cargo-tarpaulin" "0";
  sqlx-cli = stub "sqlx" "0";
  taplo = stub "taplo" "0";
  trunk = stub "trunk" "0";
  remarshal = stub "remarshal" "0";
  kubectl-ai = stub "kubectl-ai" "0";
  k3s = stub "k3s" "0";
  k6 = stub "k6" "0";
  helm-docs = stub "helm-docs" "0";
  nix = some deb.nix-bin [
    "nix"
    "nix-build"
    "nix-instantiate"
    "nix-store"
  ];
  patchutils = runCommandLocal "patchutils" { } "mkdir $out";
  cctools = patchutils;
  sqlite = deb.sqlite3;

  kubectl = some deb.kubectl [ "kubectl" ];
  docker-client = some deb.docker-cli [ "docker" ];
  # promtool is in the output cli.
  prometheus =
    runCommandLocal "prometheus-${deb.prometheus.version}"
      {
        pname = "prometheus";
        inherit (deb.prometheus) version;
        outputs = [
          "out"
          "doc"
          "cli"
        ];
        meta.mainProgram = "prometheus";
      }
      ''
        mkdir -p $out/bin $doc/share $cli/bin
        cp ${deb.prometheus}/bin/prometheus $out/bin/; cp ${deb.promtool}/bin/promtool $cli/bin/
      '';
  # No package registry has Grafana. This program has the layout of nixpkgs, reads configuration and provisioning as
  # Grafana does, and serves a part of its API, which grafana.py describes.
  grafana =
    runCommandLocal "grafana-stand-in-13.2"
      {
        pname = "grafana";
        version = "13.2.0";
        meta.mainProgram = "grafana";
      }
      ''
        mkdir -p $out/bin $out/share/grafana/{conf,public/app/plugins}
        printf '#!${sh}\nexport PATH=${pkgs.yq-go}/bin\nexec ${python3}/bin/python3 ${./grafana.py} "$@"\n' > $out/bin/grafana
        chmod +x $out/bin/grafana
        touch $out/share/grafana/conf/{defaults,sample}.ini
      '';
  # Since 13.2 the data source is a separate plugin, a directory with plugin.json at its top.
  grafanaPlugins.prometheus =
    runCommandLocal "prometheus-13.2.2"
      {
        pname = "prometheus";
        version = "13.2.2";
      }
      ''
        mkdir $out; echo '{"type": "datasource", "name": "Prometheus", "id": "prometheus"}' > $out/plugin.json
      '';

  # This is the bundle of the machine, since a registry proxy may have its own authority.
  cacert =
    runCommandLocal "nss-cacert-stand-in"
      {
        pname = "nss-cacert";
        version = "0";
        outputs = [
          "out"
          "unbundled"
          "p11kit"
        ];
      }
      ''
        mkdir -p $out/etc/ssl/certs $unbundled $p11kit $out/nix-support
        cp ${
          seeded "ca-bundle.crt" index.certificates "flat"
        } $out/etc/ssl/certs/ca-bundle.crt; ln -s ca-bundle.crt $out/etc/ssl/certs/ca-no-trust-rules-bundle.crt
        printf 'export NIX_SSL_CERT_FILE=%s SSL_CERT_FILE=%s\n' $out/etc/ssl/certs/ca-bundle.crt $out/etc/ssl/certs/ca-bundle.crt > $out/nix-support/setup-hook
      '';
  dockerTools = {
    caCertificates = runCommandLocal "ca-certificates" { } ''
      mkdir -p $out/etc/ssl/certs $out/etc/pki/tls/certs
      for n in ssl/certs/ca-bundle.crt ssl/certs/ca-certificates.crt pki/tls/certs/ca-bundle.crt; do ln -s ${cacert}/etc/ssl/certs/ca-bundle.crt $out/etc/$n; done
    '';
    fakeNss = runCommandLocal "fake-nss" { } ''
      mkdir -p $out/etc $out/var/empty; printf 'root:x:0:0:root user:/var/empty:/bin/sh\nnobody:x:65534:65534:nobody:/var/empty:/bin/sh\n' > $out/etc/passwd
      printf 'root:x:0:\nnobody:x:65534:\n' > $out/etc/group; echo "hosts: files dns" > $out/etc/nsswitch.conf
    '';
    binSh = runCommandLocal "bin-sh" { } "mkdir -p $out/bin; ln -s ${sh} $out/bin/sh";
    usrBinEnv =
      runCommandLocal "usr-bin-env" { }
        "mkdir -p $out/usr/bin; ln -s ${coreutils}/bin/env $out/usr/bin/env";
  };
  inherit (dockerTools) fakeNss;

  # PostgreSQL as nixpkgs builds it: it does not resolve a link to itself when it looks for share/ and lib/ (patch
  # relative-to-symlinks), and its sockets are in /run/postgresql (socketdir-in-run). Version 18: no Debian source of 17
  # is served; nixpkgs' libpam, systemd and Kerberos are left out.
  postgresql_17 = stdenv.mkDerivation {
    pname = "postgresql";
    version = "17-by-18";
    src = source "postgresql.tar.bz2";
    # every path compiled in is in the first output (in nixpkgs libpq's is in one more, lib), so that no two refer to
    # each other
    outputs = [
      "out"
      "dev"
      "man"
      "doc"
    ];
    nativeBuildInputs = [
      pkg-config
      bison
      flex
      perl
    ];
    buildInputs = [
      zlib
      readline
      deb.libncurses-dev
      openssl-dev
      icu
      libxml2
      lz4
      zstd-dev
      libuuid
    ];
    strictDeps = true;
    patchPhase = ''
      # relative-to-symlinks
      sed -i '/^normalize_exec_path(/,/^}/{/^{/,/^}/c\{\n\treturn 0;\n}
      }' src/common/exec.c
      grep -A4 '^normalize_exec_path(char \*path)$' src/common/exec.c
      # socketdir-in-run
      sed -i 's,^#define DEFAULT_PGSOCKET_DIR .*,#define DEFAULT_PGSOCKET_DIR "/run/postgresql",' src/include/pg_config_manual.h
      grep DEFAULT_PGSOCKET_DIR src/include/pg_config_manual.h
      patchShebangs --build src config
    '';
    env.CFLAGS = "-O1 -pipe -fdata-sections -ffunction-sections -fmerge-constants";
    configurePhase = ''
      ./configure --prefix=$out --bindir=$out/bin --datadir=$out/share/postgresql --libdir=$out/lib \
        --sysconfdir=/etc --with-system-tzdata=${tzdata}/share/zoneinfo \
        --with-openssl --with-libxml --with-icu --with-lz4 --with-zstd --with-uuid=e2fs --without-perl LDFLAGS=-Wl,--gc-sections
    '';
    buildPhase = "make -j$NIX_BUILD_CORES -s world-bin";
    installPhase = ''
      make -s install-world-bin
      rm -f $out/lib/*.a
      mkdir -p $dev/bin $dev/lib $man $doc
      mv $out/include $dev/; mv $out/bin/{pg_config,ecpg} $dev/bin/; mv $out/lib/{pgxs,pkgconfig} $dev/lib/
      [ ! -d $out/share/man ] || mv $out/share/man $man/
      [ ! -d $out/share/doc ] || mv $out/share/doc $doc/
    '';
    # initdb runs `locale` of libc
    postFixup = "source ${pkgs.makeWrapper}/nix-support/setup-hook; wrapProgram $out/bin/initdb --prefix PATH : ${deb.libc-bin}/bin";
    meta.mainProgram = "postgres";
    passthru = {
      psqlSchema = "17";
    };
  };
  postgresql = postgresql_17;
  openssl-dev = deb.libssl-dev;
  zstd-dev = deb.libzstd-dev;
}
