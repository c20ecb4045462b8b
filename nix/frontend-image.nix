# The frontend's image: Node.js, the files that every image has, the packages that Next.js has traced, and the pages.
{
  image,
  standalone,
  system-files,
  frontend,
  nodejs-slim_24,
  runCommand,
}:
let
  node = standalone "${nodejs-slim_24}/bin/node";
  packages = runCommand "todo-frontend-packages" { } ''
    mkdir -p $out/app
    cp -r ${frontend}/node_modules $out/app
  '';
  pages = runCommand "todo-frontend-pages" { } ''
    mkdir -p $out/app
    find ${frontend} -mindepth 1 -maxdepth 1 ! -name node_modules -exec cp -r --target-directory $out/app {} +
  '';
in
image {
  name = "todo-frontend";
  description = "Web frontend of the Todo application";
  layers = [
    [
      node.lib
      node
    ]
    [ system-files ]
    [ packages ]
    [ pages ]
  ];
  config = {
    Entrypoint = [ "/bin/node" ];
    Cmd = [ "server.js" ];
    WorkingDir = "/app";
    Env = [
      "PATH=/bin"
      "NODE_ENV=production"
    ];
    ExposedPorts = {
      "3000/tcp" = { };
      "9091/tcp" = { };
    };
  };
}
