# mkDerivation and the two stdenvs, which use no tools of the machine.
{
  lib,
  system,
  cc,
  deb,
}:
let
  platform = lib.systems.elaborate system;
  inherit (deb) bash;
  shell = "${bash}/bin/bash";
  # PATH contains only the tools of stdenv in nixpkgs, which has no jq, git, python, perl, which, unzip or strings.
  initialPath = with deb; [
    coreutils
    findutils
    diffutils
    sed
    grep
    gawk
    tar
    gzip
    bzip2
    make
    bash
    patch
    xz-utils
    file
  ];
  setup =
    cc:
    derivation {
      name = "stdenv-linux";
      inherit system initialPath shell;
      builder = shell;
      args = [
        "-ec"
        ''
          export PATH=${deb.coreutils}/bin
          mkdir $out
          { echo "initialPath='$initialPath'"; echo "defaultNativeBuildInputs='$defaults'"; echo "SHELL=$shell"; cat ${./setup}; } > $out/setup
        ''
      ];
      defaults = [ deb.patchelf ] ++ lib.optional (cc != null) cc;
    };
  inputNames = [
    "nativeBuildInputs"
    "buildInputs"
    "propagatedBuildInputs"
    "propagatedNativeBuildInputs"
    "depsBuildBuild"
    "checkInputs"
    "nativeCheckInputs"
    "installCheckInputs"
    "nativeInstallCheckInputs"
  ];
  valid =
    args: n: x:
    if x == null || lib.isDerivation x || lib.isString x || lib.isPath x then
      true
    else
      throw "Dependency is not of a valid type: an element of ${n} for ${args.name or args.pname}";
  drvAttrs =
    stdenv: args:
    let
      env = args.env or { };
      structured = args.__structuredAttrs or false;
      clash = lib.intersectLists (lib.attrNames env) (lib.attrNames args);
      bad = lib.filterAttrs (
        _: v: !(lib.isString v || lib.isBool v || lib.isInt v || lib.isDerivation v || lib.isPath v)
      ) env;
      # The inputs of the checks are included only with doCheck.
      given = n: lib.flatten (args.${n} or [ ]);
      check = n: lib.optionals (args.doCheck or false) (given n);
      installCheck = n: lib.optionals (args.doInstallCheck or false) (given n);
      of =
        n:
        given n
        ++ lib.optionals (n == "nativeBuildInputs") (
          check "nativeCheckInputs" ++ installCheck "nativeInstallCheckInputs"
        )
        ++ lib.optionals (n == "buildInputs") (check "checkInputs" ++ installCheck "installCheckInputs");
      inputs = lib.genAttrs (lib.take 5 inputNames) (
        n: map (x: lib.getDev x) (lib.filter (x: valid args n x && x != null) (of n))
      );
    in
    assert lib.assertMsg (clash == [ ])
      "The ‘env’ attribute set cannot contain any attributes passed to derivation. The following attributes are overlapping: ${toString clash}";
    assert lib.assertMsg (bad == { })
      "The ‘env’ attribute set can only contain derivation, string, boolean or integer attributes: ${toString (lib.attrNames bad)}";
    removeAttrs args (
      [
        "passthru"
        "meta"
        "env"
        "pos"
        "__structuredAttrs"
        "finalPackage"
        "overrideAttrs"
      ]
      ++ inputNames
    )
    // inputs
    // {
      name = lib.strings.sanitizeDerivationName (args.name or "${args.pname}-${args.version}");
      inherit system stdenv;
      builder = args.realBuilder or shell;
      args =
        args.args or [
          "-e"
          ./builder.sh
        ];
      outputs = args.outputs or [ "out" ];
      strictDeps = args.strictDeps or false;
      doCheck = args.doCheck or false;
      doInstallCheck = args.doInstallCheck or false;
      __ignoreNulls = true;
      __structuredAttrs = structured;
    }
    // (if structured then { inherit env; } else env);
  mkDerivationWith =
    setup: stdenv: fnOrAttrs:
    let
      make =
        f:
        let
          args = f final;
          final = args // {
            finalPackage = drv;
            inherit overrideAttrs;
          };
          overrideAttrs =
            g:
            make (
              self:
              let
                prev = f self;
                g' = if lib.isFunction g then g else (_: g);
                r = g' prev;
              in
              prev // (if lib.isFunction r then g' self prev else r)
            );
          plain = builtins.derivation (drvAttrs setup args);
          drv =
            lib.extendDerivation true
              (
                {
                  inherit overrideAttrs stdenv;
                  meta = {
                    position = null;
                    outputsToInstall = [ "out" ];
                    available = true;
                  }
                  // args.meta or { };
                  passthru = args.passthru or { };
                }
                // lib.optionalAttrs (args ? pname) { inherit (args) pname; }
                // lib.optionalAttrs (args ? version) { inherit (args) version; }
                // args.passthru or { }
              )
              (
                if args.meta.broken or false then
                  throw "Package ‘${args.name or args.pname}’ is marked as broken, refusing to evaluate."
                else
                  plain
              );
        in
        drv;
    in
    make (if lib.isFunction fnOrAttrs then fnOrAttrs else (_: fnOrAttrs));
  mk =
    cc:
    let
      it = setup cc;
      self = it // {
        inherit
          cc
          shell
          initialPath
          system
          ;
        hasCC = cc != null;
        shellDryRun = "${shell} -n -O extglob";
        buildPlatform = platform;
        hostPlatform = platform;
        targetPlatform = platform;
        inherit (platform)
          isLinux
          isDarwin
          isx86_64
          isAarch64
          ;
        mkDerivation = mkDerivationWith it self;
        override = a: if a ? cc && a.cc == null then mk null else mk (a.cc or cc);
        meta = { };
      };
    in
    self;
in
{
  stdenv = mk cc;
  stdenvNoCC = mk null;
}
