# image-archive IMAGE FILE: writes an image of nix2container as a docker-archive, by nix2container's own library. Its
# patched skopeo does that too, but has to be compiled first, from a patch that is fetched by address.
{ nix2container-bin }:
nix2container-bin.overrideAttrs {
  pname = "image-archive";
  postPatch = "cp ${./main.go} main.go";
  postInstall = "mv $out/bin/nix2container $out/bin/image-archive";
  meta = {
    description = "Writes an image of nix2container as a docker-archive";
    mainProgram = "image-archive";
  };
}
