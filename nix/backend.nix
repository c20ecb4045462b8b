# The service.
{
  lib,
  rustPackage,
  sources,
}:
rustPackage {
  package = "todo-backend";
  src = sources.backend;
  # Queries are checked against backend/.sqlx.
  env.SQLX_OFFLINE = "true";
  meta = {
    description = "HTTP service of the Todo application";
    license = lib.licenses.asl20;
    mainProgram = "todo-backend";
  };
}
