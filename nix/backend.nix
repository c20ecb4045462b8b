# The backend program.
{
  lib,
  rustPackage,
  sources,
}:
rustPackage {
  package = "todo-backend";
  src = sources.backend;
  # The queries are checked against backend/.sqlx, without a database.
  env.SQLX_OFFLINE = "true";
  meta = {
    description = "HTTP service of the Todo application";
    license = lib.licenses.asl20;
    mainProgram = "todo-backend";
  };
}
