{
  system ? builtins.currentSystem,
  localSystem ? { inherit system; },
  config ? { },
  overlays ? [ ],
  ...
}:
import ./pkgs.nix {
  lib = import ./lib;
  inherit config overlays;
  system = localSystem.system or system;
}
