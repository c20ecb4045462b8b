# Prometheus, with the interface of the official image: configuration in /etc/prometheus, data in /prometheus.
{
  image,
  runCommand,
  system-files,
  prometheus,
}:
let
  tree = runCommand "todo-prometheus-tree" { } ''
    mkdir -p $out/bin $out/etc/prometheus $out/prometheus
    ln -s ${prometheus}/bin/prometheus $out/bin/
  '';
in
image {
  name = "todo-prometheus";
  description = "Prometheus for the Todo application";
  user = "65534:65534";
  layers = [
    [ system-files ]
    [ tree ]
  ];
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
