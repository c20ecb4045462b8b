# image { name, layers, config }: an image by nix2container whose tag is derived from its content.
#
#   layers   for each layer the trees that it adds to the image's root, with those that change least often first. A
#            layer also contains the store paths that a tree refers to
#   config   the OCI configuration, without user and labels
#   user     uid and gid
#
# In addition to the attributes of nix2container, `id` is a file with the image's id: the digest of its configuration,
# 64 hexadecimal digits. The tag of nix2container is a hash of the inputs, which any comment changes.
{
  lib,
  nix2container,
  sources,
  runCommand,
  jq,
}:
{
  name,
  description,
  layers,
  config,
  user ? "10001:10001",
}:
let
  # Each layer gets the list of those below it, so that shared paths are in only one layer. nestedLayers is empty, since
  # this list already contains them.
  below = lib.foldl' (
    below: copyToRoot:
    below
    ++ [
      (
        nix2container.buildLayer {
          inherit copyToRoot;
          layers = below;
        }
        // {
          nestedLayers = [ ];
        }
      )
    ]
  ) [ ] (lib.init layers);

  json = nix2container.buildImage {
    inherit name;
    layers = below;
    copyToRoot = lib.last layers;
    config = config // {
      User = user;
      Labels = {
        "org.opencontainers.image.title" = name;
        "org.opencontainers.image.description" = description;
        "org.opencontainers.image.version" = sources.version;
      };
    };
  };
in
json
// {
  id = runCommand "${name}-id" { nativeBuildInputs = [ jq ]; } ''
    jq -cj '{created, architecture: .arch, os: "linux", config: ."image-config",
      rootfs: {type: "layers", diff_ids: [.layers[].diff_ids]}, history: [.layers[].History]}' ${json} |
      sha256sum | head -c 64 > $out
  '';
}
