# The files of every image in addition to the program: certificate authorities, its user, and a directory for temporary
# files.
{ runCommand, cacert }:
runCommand "todo-system" { } ''
  mkdir -p $out/etc/ssl/certs $out/tmp
  cp ${cacert}/etc/ssl/certs/ca-bundle.crt $out/etc/ssl/certs/ca-certificates.crt
  echo 'todo:x:10001:10001::/:/none' > $out/etc/passwd
  echo 'todo:x:10001:' > $out/etc/group
''
