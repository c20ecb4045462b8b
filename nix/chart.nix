# The chart with the images of this build as its defaults, as the directory todo and as a package.
{
  lib,
  runCommand,
  yq-go,
  sources,
  backend-image,
  frontend-image,
  postgres-image,
}:
let
  images = {
    backend = backend-image;
    frontend = frontend-image;
    postgres = postgres-image;
  };
in
runCommand "todo-chart" { nativeBuildInputs = [ yq-go ]; } ''
  mkdir $out
  cp -r ${sources.chart}/todo $out/todo
  chmod -R u+w $out/todo
  rm -r $out/todo/tests
  ${lib.concatStrings (
    lib.mapAttrsToList (part: image: ''
      repository=${image.imageName} tag=$(head -c 12 ${image.id}) yq --inplace \
        '.${part}.image.repository = strenv(repository) | .${part}.image.tag = strenv(tag)' $out/todo/values.yaml
    '') images
  )}
  # helm package would write the current time into the archive.
  tar --create --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw,a-s \
    --directory $out todo | gzip --no-name > $out/todo-${sources.version}.tgz
''
