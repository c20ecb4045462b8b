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
    mkdir -p $out/bin $out/etc $out/tmp $out/var/lib/postgresql/data $out/var/run/postgresql
    ln -s ${lib.getExe bash} $out/bin/bash
    ln -s ${lib.getExe bash} $out/bin/sh
    echo 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' > $out/etc/passwd
    echo 'postgres:x:999:' > $out/etc/group
    ln -s ${postgresql_17}/bin/* ${coreutils}/bin/{cat,chmod,mkdir} $out/bin/
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
      "PATH=/bin"
      # Upper and lower case by ICU, which needs no locale of the system.
      "LANG=C"
      "POSTGRES_INITDB_ARGS=--encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=und"
      "PGDATA=/var/lib/postgresql/data"
    ];
    ExposedPorts."5432/tcp" = { };
  };
}
