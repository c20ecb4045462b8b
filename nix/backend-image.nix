# The backend's image: the program, its libraries, and the files that every image has.
{
  image,
  standalone,
  system-files,
  backend,
}:
let
  program = standalone "${backend}/bin/todo-backend";
in
image {
  name = "todo-backend";
  description = "HTTP service of the Todo application";
  layers = [
    [ program.lib ]
    [ system-files ]
    [ program ]
  ];
  config = {
    Entrypoint = [ "/bin/todo-backend" ];
    Cmd = [ "serve" ];
    Env = [
      "PATH=/bin"
      "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
    ];
    ExposedPorts = {
      "8000/tcp" = { };
      "9090/tcp" = { };
    };
  };
}
