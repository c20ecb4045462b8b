# Simple builders: text files, scripts, links, shells and formats.
{
  lib,
  stdenv,
  stdenvNoCC,
  pkgs,
  config,
}:
let
  inherit (lib) escapeShellArg concatMapStrings concatMapStringsSep;
in
rec {
  runCommandWith =
    {
      stdenv ? stdenvNoCC,
      runLocal ? false,
      derivationArgs ? { },
      name,
    }:
    buildCommand:
    stdenv.mkDerivation (
      lib.optionalAttrs runLocal {
        preferLocalBuild = true;
        allowSubstitutes = false;
      }
      // {
        enableParallelBuilding = true;
        inherit name buildCommand;
      }
      // derivationArgs
    );
  runCommand = name: derivationArgs: runCommandWith { inherit name derivationArgs; };
  runCommandLocal =
    name: derivationArgs:
    runCommandWith {
      inherit name derivationArgs;
      runLocal = true;
    };
  runCommandCC = name: derivationArgs: runCommandWith { inherit name derivationArgs stdenv; };

  writeTextFile =
    {
      name ? "${pname}",
      pname ? null,
      text,
      executable ? false,
      destination ? "",
      checkPhase ? "",
      meta ? { },
      passthru ? { },
      derivationArgs ? { },
      ...
    }:
    runCommandLocal name
      (
        derivationArgs
        // {
          inherit text passthru;
          passAsFile = [ "text" ] ++ derivationArgs.passAsFile or [ ];
          meta =
            lib.optionalAttrs (executable && lib.hasPrefix "/bin/" destination) {
              mainProgram = lib.removePrefix "/bin/" destination;
            }
            // meta;
        }
      )
      ''
        target=$out${escapeShellArg destination}
        mkdir -p "$(dirname "$target")"
        cp "$textPath" "$target"
        ${lib.optionalString executable ''chmod +x "$target"''}
        ${checkPhase}
      '';
  writeText = name: text: writeTextFile { inherit name text; };
  writeTextDir =
    path: text:
    writeTextFile {
      name = baseNameOf path;
      destination = "/${path}";
      inherit text;
    };
  writeScript =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
    };
  writeScriptBin =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
      destination = "/bin/${name}";
    };
  bashCheck = ''${pkgs.runtimeShell} -n "$target"'';
  writeShellScript =
    name: text:
    writeTextFile {
      inherit name;
      executable = true;
      text = "#!${pkgs.runtimeShell}\n${text}\n";
      checkPhase = bashCheck;
    };
  writeShellScriptBin =
    name: text:
    writeTextFile {
      inherit name;
      executable = true;
      destination = "/bin/${name}";
      text = "#!${pkgs.runtimeShell}\n${text}\n";
      checkPhase = bashCheck;
    };
  writeShellApplication =
    {
      name,
      text,
      runtimeInputs ? [ ],
      runtimeEnv ? null,
      meta ? { },
      passthru ? { },
      checkPhase ? null,
      excludeShellChecks ? [ ],
      extraShellCheckFlags ? [ ],
      bashOptions ? [
        "errexit"
        "nounset"
        "pipefail"
      ],
      derivationArgs ? { },
      inheritPath ? true,
    }:
    writeTextFile {
      inherit name passthru derivationArgs;
      executable = true;
      destination = "/bin/${name}";
      meta = {
        mainProgram = name;
      }
      // meta;
      text =
        "#!${pkgs.runtimeShell}\n"
        + concatMapStrings (o: "set -o ${o}\n") bashOptions
        + lib.optionalString (runtimeEnv != null) (
          concatMapStrings (n: "${lib.toShellVar n runtimeEnv.${n}}\nexport ${n}\n") (
            lib.attrNames runtimeEnv
          )
        )
        + lib.optionalString (
          runtimeInputs != [ ]
        ) "\nexport PATH=\"${lib.makeBinPath runtimeInputs}${lib.optionalString inheritPath ":$PATH"}\"\n"
        + "\n${text}\n";
      checkPhase =
        if checkPhase != null then
          checkPhase
        else
          ''
            ${bashCheck}
            ${lib.getExe pkgs.shellcheck} ${
              lib.escapeShellArgs (
                lib.optionals (excludeShellChecks != [ ]) [
                  "--exclude"
                  (lib.concatStringsSep "," excludeShellChecks)
                ]
                ++ extraShellCheckFlags
              )
            } "$target"
          '';
    };
  concatTextFile =
    { name, files, ... }: runCommandLocal name { } "cat ${lib.escapeShellArgs files} > $out";
  concatText = name: files: concatTextFile { inherit name files; };

  linkFarm =
    name: entries:
    let
      list =
        if lib.isAttrs entries then
          lib.mapAttrsToList (name: path: { inherit name path; }) entries
        else
          entries;
    in
    runCommandLocal name
      { passthru.entries = lib.listToAttrs (map (e: lib.nameValuePair e.name e.path) list); }
      (
        "mkdir -p $out\n"
        + concatMapStrings (e: ''
          mkdir -p "$out/$(dirname ${escapeShellArg e.name})"; ln -s ${escapeShellArg "${e.path}"} $out/${escapeShellArg e.name}
        '') list
      );
  linkFarmFromDrvs =
    name: drvs:
    linkFarm name (
      map (d: {
        inherit (d) name;
        path = d;
      }) drvs
    );
  buildEnv =
    {
      name ? "env",
      paths,
      pathsToLink ? [ "/" ],
      ignoreCollisions ? false,
      postBuild ? "",
      extraPrefix ? "",
      meta ? { },
      passthru ? { },
      nativeBuildInputs ? [ ],
      ...
    }:
    runCommandLocal name { inherit meta passthru nativeBuildInputs; } ''
      mkdir -p $out${extraPrefix}
      for p in ${
        toString (lib.filter (x: x != null) (lib.flatten paths))
      }; do for l in ${toString pathsToLink}; do
        [ -e "$p$l" ] || continue
        (cd "$p$l" && find -L . -type d) | while read -r d; do mkdir -p "$out${extraPrefix}$l/$d"; done
        (cd "$p$l" && find -L . ! -type d) | while read -r f; do
          t=$out${extraPrefix}$l/$f
          if [ -e "$t" ] || [ -L "$t" ]; then cmp -s "$t" "$p$l/$f" || ${lib.boolToString ignoreCollisions} || { echo "collision: $f"; exit 1; }
          else ln -s "$(readlink -f "$p$l")/''${f#./}" "$t"; fi
        done
      done; done
      ${postBuild}
    '';
  symlinkJoin =
    args@{
      name ? "${args.pname}-${args.version}",
      paths,
      postBuild ? "",
      ...
    }:
    buildEnv (
      removeAttrs args [
        "pname"
        "version"
      ]
      // {
        inherit name;
        ignoreCollisions = true;
      }
    );

  mkShell = mkShellWith stdenv;
  mkShellNoCC = mkShellWith stdenvNoCC;
  mkShellWith =
    stdenv:
    {
      name ? "nix-shell",
      packages ? [ ],
      inputsFrom ? [ ],
      nativeBuildInputs ? [ ],
      buildInputs ? [ ],
      shellHook ? "",
      ...
    }@args:
    stdenv.mkDerivation (
      removeAttrs args [
        "packages"
        "inputsFrom"
      ]
      // {
        inherit name;
        nativeBuildInputs =
          packages
          ++ nativeBuildInputs
          ++ lib.subtractLists inputsFrom (
            lib.concatMap (d: lib.toList d.nativeBuildInputs or [ ]) (map (d: d.drvAttrs or { }) inputsFrom)
          );
        buildInputs =
          buildInputs ++ lib.concatMap (d: lib.toList (d.drvAttrs.buildInputs or [ ])) inputsFrom;
        shellHook = lib.concatStringsSep "\n" (
          map (d: d.shellHook or "") (lib.reverseList inputsFrom ++ [ args ])
        );
        preferLocalBuild = true;
        phases = [ "buildPhase" ];
        buildPhase = "export > $out";
      }
    );
  makeSetupHook =
    {
      name ? "hook",
      propagatedBuildInputs ? [ ],
      propagatedNativeBuildInputs ? [ ],
      substitutions ? { },
      meta ? { },
      passthru ? { },
    }:
    script:
    let
      names = lib.attrNames substitutions;
    in
    runCommandLocal name
      {
        inherit meta passthru;
        passAsFile = [ "hook" ];
        hook = lib.replaceStrings (map (n: "@${n}@") names) (map (n: "${substitutions.${n}}") names) (
          builtins.readFile script
        );
      }
      ''
        mkdir -p $out/nix-support
        cp $hookPath $out/nix-support/setup-hook
        echo "${
          toString (propagatedBuildInputs ++ propagatedNativeBuildInputs)
        }" > $out/nix-support/propagated-build-inputs
      '';
  formats =
    let
      json = { }: {
        type = lib.types.anything;
        generate =
          name: value:
          runCommandLocal name {
            value = builtins.toJSON value;
            passAsFile = [ "value" ];
          } "${lib.getExe pkgs.jq} . $valuePath > $out";
      };
    in
    {
      inherit json;
      yaml = json; # JSON is YAML
      toml = { }: {
        type = lib.types.anything;
        generate =
          name: value:
          runCommandLocal name {
            value = builtins.toJSON value;
            passAsFile = [ "value" ];
          } "${pkgs.python3}/bin/python3 ${./toml.py} < $valuePath > $out";
      };
    };
  srcOnly = d: runCommandLocal "${d.name or "src"}-src" { } "mkdir $out";
  # A package.json and package-lock.json whose URLs are files in the store, each fetched by its `resolved` and
  # `integrity`. The hooks of nixpkgs are absent.
  importNpmLock =
    { package, packageLock, ... }:
    let
      fetched =
        p:
        p
        // lib.optionalAttrs (p ? resolved) {
          resolved = "file:${
            fetchurl {
              url = p.resolved;
              hash = p.integrity;
            }
          }";
        };
      lock = packageLock // {
        packages = lib.mapAttrs (_: fetched) packageLock.packages;
      };
      of = names: lib.mapAttrs (name: _: lock.packages."node_modules/${name}".resolved) names;
      manifest =
        package
        // lib.mapAttrs (_: of) (
          lib.filterAttrs (n: _: n == "dependencies" || n == "devDependencies") package
        );
    in
    runCommandLocal "${package.name}-sources"
      {
        passAsFile = [
          "manifest"
          "lock"
        ];
        manifest = builtins.toJSON manifest;
        lock = builtins.toJSON lock;
      }
      ''
        mkdir $out
        cp $manifestPath $out/package.json
        cp $lockPath $out/package-lock.json
      '';
  fetchurl =
    {
      url ? lib.head urls,
      urls ? [ url ],
      name ? baseNameOf (toString (lib.head urls)),
      hash ? "",
      sha256 ? "",
      sha512 ? "",
      sha1 ? "",
      executable ? false,
      ...
    }:
    let
      algo =
        if sha256 != "" then
          { inherit sha256; }
        else if sha512 != "" then
          { inherit sha512; }
        else if sha1 != "" then
          { inherit sha1; }
        else
          { inherit hash; };
    in
    import <nix/fetchurl.nix> (
      {
        url = lib.head urls;
        inherit name executable;
      }
      // algo
    );
}
