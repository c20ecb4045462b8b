# handover IMAGE: a directory that `todo deploy --images nix:DIRECTORY` takes, for an image of image.nix.
#
#   name     the image's name
#   id       its id, 64 hexadecimal digits
#   archive  a program for this system that writes the image into a file as a docker-archive
{
  lib,
  runCommand,
  writeShellScript,
  image-archive,
}:
image:
runCommand "${image.imageName}-handover" { } ''
  mkdir $out
  printf %s ${image.imageName} > $out/name
  ln -s ${image.id} $out/id
  ln -s ${writeShellScript "archive" ''
    exec ${lib.getExe image-archive} ${image} "$1"
  ''} $out/archive
''
