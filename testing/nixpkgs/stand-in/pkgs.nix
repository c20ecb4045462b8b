# The set of all packages, as a fixed point.
{
  lib,
  system,
  config ? { },
  overlays ? [ ],
}:
let
  base =
    self:
    let
      debian = import ./deb.nix { inherit lib system; };
      std = import ./stdenv {
        inherit lib system;
        inherit (debian) deb;
        inherit (self) cc;
      };
      boot = import ./trivial.nix {
        inherit lib config;
        pkgs = self;
        stdenv = std.stdenvNoCC;
        inherit (std) stdenvNoCC;
      };
      trivial = import ./trivial.nix {
        inherit lib config;
        pkgs = self;
        inherit (std) stdenv stdenvNoCC;
      };
      host = import ./host.nix {
        inherit lib debian;
        pkgs = self;
        inherit (std) stdenv stdenvNoCC;
        inherit (boot) runCommandLocal writeShellScriptBin;
      };
      lang = import ./lang.nix {
        inherit lib debian;
        pkgs = self;
        inherit (std) stdenv stdenvNoCC;
        inherit (boot)
          runCommandLocal
          makeSetupHook
          writeText
          writeShellScriptBin
          ;
        inherit (self) go glibc;
      };
    in
    lib.mapAttrs (_: overridable) (trivial // host // lang)
    // {
      stdenv = std.stdenv // {
        cc = self.stdenv-cc;
      };
      inherit (std) stdenvNoCC;
      inherit
        lib
        config
        system
        overlays
        debian
        ;
      pkgs = self;
      callPackage = lib.callPackageWith self;
      callPackages = lib.callPackagesWith self;
      newScope = extra: lib.callPackageWith (self // extra);
      buildPackages = self;
      targetPackages = self;
      pkgsBuildBuild = self;
      pkgsBuildHost = self;
      pkgsBuildTarget = self;
      pkgsHostHost = self;
      pkgsHostTarget = self;
      pkgsTargetTarget = { };
      splicePackages = s: s.pkgsHostTarget or { };
      makeScopeWithSplicing' = lib.makeScopeWithSplicing' { inherit (self) splicePackages newScope; };
      extend =
        o:
        import ./pkgs.nix {
          inherit lib system config;
          overlays = overlays ++ [ o ];
        };
      # These names are evaluated for macOS, but never built.
      darwin = {
        signingUtils = "/no-signing-utils";
        autoSignDarwinBinariesHook = null;
      };
      buildGo125Module = self.buildGoModule;
      buildGo126Module = self.buildGoModule;
      buildGoLatestModule = self.buildGoModule;
    };
  overridable = p: if lib.isDerivation p && !(p ? override) then p // { override = _: p; } else p;
in
lib.fix (lib.extends (lib.composeManyExtensions overlays) base)
