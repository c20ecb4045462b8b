# Grafana, with the interface of the official image: GF_* variables, provisioning in /etc/grafana/provisioning.
{
  lib,
  image,
  runCommand,
  system-files,
  grafana,
  grafanaPlugins,
}:
let
  # Since 13.2 the Prometheus data source is a separate plugin, which nixpkgs packages separately.
  plugins = lib.optional (lib.versionAtLeast grafana.version "13.2") grafanaPlugins.prometheus;
  tree = runCommand "todo-grafana-tree" { } ''
    mkdir -p $out/bin $out/etc/grafana/provisioning $out/var/lib/grafana $out/var/lib/grafana-plugins
    ln -s ${grafana}/bin/grafana $out/bin/
    ${lib.concatMapStrings (plugin: ''
      ln -s ${plugin} $out/var/lib/grafana-plugins/${plugin.pname}
    '') plugins}
    core=${grafana}/share/grafana/public/app/plugins/datasource/prometheus/plugin.json
    [ -e $core ] || [ -e $out/var/lib/grafana-plugins/prometheus/plugin.json ] || {
      echo "Grafana ${grafana.version} has no Prometheus data source: neither its core nor a plugin in this image has one" >&2
      exit 1
    }
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
      "cfg:default.paths.plugins=/var/lib/grafana-plugins"
      "cfg:default.paths.provisioning=/etc/grafana/provisioning"
      "cfg:default.log.mode=console"
    ];
    ExposedPorts."3000/tcp" = { };
  };
}
