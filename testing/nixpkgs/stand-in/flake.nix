{
  description = "Small original stand-in for nixpkgs: Debian's tools behind nixpkgs' interface (lib/ is put beside it by `testbed up`)";
  outputs =
    { self }:
    let
      lib = import ./lib;
    in
    {
      inherit lib;
      # All three systems have the packages, since the other two are evaluated, but never built.
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ] (
        system: import ./. { inherit system; }
      );
    };
}
