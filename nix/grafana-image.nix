# Grafana, with the interface of the official image: GF_* variables, provisioning in /etc/grafana/provisioning.
{
  image,
  runCommand,
  cacert,
  grafana,
}:
let
  tree = runCommand "todo-grafana-tree" { } ''
    mkdir -p $out/bin $out/etc/grafana/provisioning $out/etc/ssl/certs $out/var/lib/grafana $out/tmp
    ln -s ${grafana}/bin/grafana $out/bin/
    cp ${cacert}/etc/ssl/certs/ca-bundle.crt $out/etc/ssl/certs/ca-certificates.crt
  '';
in
image {
  name = "todo-grafana";
  description = "Grafana for the Todo application";
  user = "472:0";
  layers = [ [ tree ] ];
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
