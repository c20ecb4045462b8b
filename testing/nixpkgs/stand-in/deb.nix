# Debian packages as store paths that depend only on the store. They are unpacked into the layout of nixpkgs (lib
# instead of lib/x86_64-linux-gnu, and no usr), and programs use glibc and the shell of the store by interpreter and
# RPATH. `testbed up` writes index.json with the version, the hash and the library dependencies of each package.
{ lib, system }:
let
  index = lib.importJSON ./index.json;
  # A file that `testbed up` has added to the store. It is found by its hash, and never built.
  seeded =
    name: hash: mode:
    derivation {
      inherit name system;
      builder = "/bin/sh";
      args = [
        "-c"
        "echo this belongs into the store: run testbed up again >&2; exit 1"
      ];
      outputHash = hash;
      outputHashAlgo = "sha256";
      outputHashMode = mode;
    };
  seed = seeded "seed" index.seed "recursive";
  archive = name: seeded "${name}.deb" index.debs.${name}.sha256 "flat";
  source = name: seeded name index.sources.${name} "flat";
  names = lib.attrNames index.debs;
  matching = re: lib.filter (n: builtins.match re n != null) names;

  # Groups of Debian packages that form one store path, by its name.
  groups = {
    glibc = [ "libc6" ];
    gcc-unwrapped = matching "(gcc|g[+][+]|cpp|binutils|libbinutils|libgcc|libstdc[+][+])(-[0-9]+)?(-x86-64-linux-gnu|-dev|-common)?|libctf.*|libgprofng.*|libsframe.*|libcc1-0";
    rust-unwrapped = matching "rustc|libstd-rust-.*";
    perl-unwrapped = matching "perl|perl-base|perl-modules-.*|libperl5.*";
    python3 = matching "python3.*|libpython3.*";
    go-unwrapped = matching "golang-(.*-)?(go|src)";
    prometheus-unwrapped = [ "prometheus" ];
    nodejs-unwrapped = matching "nodejs|libnode[0-9]+|node-.*";
  };
  groupOf = lib.listToAttrs (
    lib.concatLists (lib.mapAttrsToList (g: ms: map (m: lib.nameValuePair m g) ms) groups)
  );

  boot = derivation {
    name = "boot";
    inherit system seed;
    builder = "${seed}/bin/busybox";
    args = [
      "sh"
      "-ec"
      ''
        export PATH=$seed/bin; mkdir -p $out/lib x
        for d in $debs; do dpkg-deb -x $d x; done
        cp -L x/usr/lib/x86_64-linux-gnu/*.so* $out/lib/; cp x/usr/bin/patchelf $out/
      ''
    ];
    debs = map archive [
      "libc6"
      "libgcc-s1"
      "libstdc++6"
      "patchelf"
    ];
  };

  make =
    name:
    {
      debs ? groups.${name} or [ name ],
      post ? "",
      wrap ? { },
      mainProgram ? name,
      shell ? deb.bash or null,
      more ? [ ],
      passthru ? { },
      raw ? false,
    }:
    let
      depends = lib.subtractLists debs (lib.unique (lib.concatMap (d: index.debs.${d}.libs) debs));
      isLib =
        name == "glibc"
        || lib.hasPrefix "lib" name
        || lib.elem name [
          "zlib1g"
          "bash"
        ];
      drv = derivation {
        name = "${name}-${version}";
        inherit
          system
          seed
          boot
          post
          raw
          ;
        builder = "${seed}/bin/busybox";
        args = [
          "sh"
          ./deb.sh
        ];
        debs = map archive debs;
        glibc = if name == "glibc" || raw then "" else deb.libc6;
        libs = if raw then [ ] else lib.unique (map (d: deb.${d}) depends ++ more);
        shell = if isLib || raw then "" else shell;
        perl = if isLib || raw || name == "perl-unwrapped" || shell == null then "" else "${perl}";
        python =
          if
            isLib
            || raw
            || shell == null
            || lib.elem name [
              "python3"
              "perl-unwrapped"
            ]
          then
            ""
          else
            "${deb.python3}";
        wrap = lib.concatStrings (lib.mapAttrsToList (k: v: "export ${k}=${v}\n") wrap);
      };
      version = index.debs.${lib.head debs}.upstream;
    in
    drv
    // {
      pname = name;
      inherit version;
      outputs = [ "out" ];
      meta = {
        inherit mainProgram;
        outputsToInstall = [ "out" ];
        available = true;
        platforms = [
          "x86_64-linux"
          "aarch64-linux"
        ];
        position = null;
      };
      passthru = passthru;
      override = _: deb.${name};
      overrideAttrs = _: deb.${name};
    }
    // passthru;

  perl = make "perl-unwrapped" {
    mainProgram = "perl";
    wrap.PERL5LIB = "$out/lib/perl-base:$out/lib/perl/${lib.versions.majorMinor index.debs.perl.upstream}:$out/share/perl/${lib.versions.majorMinor index.debs.perl.upstream}";
  };
  special = {
    inherit perl;
    perl-unwrapped = perl;
    bash = make "bash" {
      post = "ln -s bash $out/bin/sh";
      passthru.shellPath = "/bin/bash";
    };
    gawk = make "gawk" { post = "ln -sf gawk $out/bin/awk"; };
    git = make "git" {
      wrap.GIT_EXEC_PATH = "$out/lib/git-core";
      wrap.GIT_TEMPLATE_DIR = "$out/share/git-core/templates";
    };
    bison = make "bison" {
      wrap.BISON_PKGDATADIR = "$out/share/bison";
      wrap.M4 = "${deb.m4}/bin/m4";
    };
    flex = make "flex" { wrap.M4 = "${deb.m4}/bin/m4"; };
    file = make "file" { wrap.MAGIC = "${deb.libmagic-mgc}/lib/file/magic.mgc"; };
    pkgconf = make "pkgconf" {
      debs = [
        "pkgconf"
        "pkgconf-bin"
      ];
      mainProgram = "pkg-config";
      post = "ln -sf pkgconf $out/bin/pkg-config";
    };
    make = make "make" { };
    python3 = make "python3" { };
    openssl = make "openssl" { };
    ripgrep = null;
  };
  plain = lib.genAttrs names (n: make n { });
  grouped = lib.mapAttrs (g: _: make g { }) (
    removeAttrs groups [
      "perl-unwrapped"
      "python3"
    ]
  );
  deb =
    plain
    // grouped
    // special
    // lib.mapAttrs (_: g: deb.${g}) (
      removeAttrs groupOf [
        "python3"
        "perl"
      ]
    );
in
{
  inherit
    deb
    make
    seeded
    archive
    source
    index
    seed
    ;
}
