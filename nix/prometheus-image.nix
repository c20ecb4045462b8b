# Prometheus, with the interface of the official image: configuration in /etc/prometheus, data in /prometheus.
{
  image,
  runCommand,
  cacert,
  prometheus,
}:
let
  tree = runCommand "todo-prometheus-tree" { } ''
    mkdir -p $out/bin $out/etc/prometheus $out/etc/ssl/certs $out/prometheus $out/tmp
    ln -s ${prometheus}/bin/prometheus $out/bin/
    cp ${cacert}/etc/ssl/certs/ca-bundle.crt $out/etc/ssl/certs/ca-certificates.crt
  '';
in
image {
  name = "todo-prometheus";
  description = "Prometheus for the Todo application";
  user = "65534:65534";
  layers = [ [ tree ] ];
  config = {
    Entrypoint = [ "/bin/prometheus" ];
    Cmd = [
      "--config.file=/etc/prometheus/prometheus.yml"
      "--storage.tsdb.path=/prometheus"
    ];
    WorkingDir = "/prometheus";
    ExposedPorts."9090/tcp" = { };
  };
}
