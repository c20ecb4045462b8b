# image { name, layers, config }: an image by nix2container that is named by its content.
#
#   layers   for each layer the trees that it puts at the image's root; those that change seldom first. Store paths that
#            a tree refers to come with it
#   config   the OCI configuration, without user and labels
#   user     uid and gid
#
# Beside what nix2container gives, `id`: a file with the image's id, 64 hexadecimal digits, the digest of its
# configuration. nix2container's own tag is a hash of the inputs, which any comment changes.
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
  # Each knows those below it, so that what they share is in one of them only. They are listed once, here, and not
  # again as what belongs to each.
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
