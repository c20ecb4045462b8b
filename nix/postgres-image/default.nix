# PostgreSQL with the part of the official image's interface that the chart relies on: see ./entrypoint.
{
  image,
  runCommand,
  bash,
  coreutils,
  postgresql_17,
  lib,
}:
let
  base = runCommand "todo-postgres-base" { } ''
    mkdir -p $out/bin $out/etc $out/tmp $out/var/lib/postgresql/data $out/run/postgresql
    # As in Debian: the socket directory is below /run for PostgreSQL, and below /var/run for the chart.
    ln -s ../run $out/var/run
    ln -s ${lib.getExe bash} $out/bin/bash
    ln -s ${lib.getExe bash} $out/bin/sh
    echo 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' > $out/etc/passwd
    echo 'postgres:x:999:' > $out/etc/group
    ln -s ${coreutils}/bin/{cat,chmod,mkdir} $out/bin/
  '';
  entrypoint = runCommand "todo-postgres-entrypoint" { } ''
    install -Dm 755 ${./entrypoint} $out/bin/docker-entrypoint.sh
  '';
in
image {
  name = "todo-postgres";
  description = "PostgreSQL for the Todo application";
  user = "999:999";
  layers = [
    [ base ]
    [ entrypoint ]
  ];
  config = {
    Entrypoint = [ "/bin/docker-entrypoint.sh" ];
    Cmd = [ "postgres" ];
    StopSignal = "SIGINT";
    Env = [
      # By its own path, since nixpkgs' PostgreSQL looks for its files beside the link by which it is called.
      "PATH=${postgresql_17}/bin:/bin"
      "LANG=C"
      "PGDATA=/var/lib/postgresql/data"
    ];
    ExposedPorts."5432/tcp" = { };
  };
}
