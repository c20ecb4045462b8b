# Grafana, with the interface of the official image: GF_* variables, provisioning in /etc/grafana/provisioning.
{
  image,
  runCommand,
  system-files,
  grafana,
}:
let
  tree = runCommand "todo-grafana-tree" { } ''
    mkdir -p $out/bin $out/etc/grafana/provisioning $out/var/lib/grafana
    ln -s ${grafana}/bin/grafana $out/bin/
  '';
in
image {
  name = "todo-grafana";
  description = "Grafana for the Todo application";
  user = "472:0";
  layers = [
    [ system-files ]
    [ tree ]
  ];
  config = {
    Entrypoint = [
      "/bin/grafana"
      "server"
      "--homepath=${grafana}/share/grafana"
      "cfg:default.paths.data=/var/lib/grafana"
      "cfg:default.paths.provisioning=/etc/grafana/provisioning"
      "cfg:default.log.mode=console"
    ];
    ExposedPorts."3000/tcp" = { };
  };
}
