# The program `todo`, which is `cargo todo` in a checkout.
{
  lib,
  rustPackage,
  sources,
}:
rustPackage {
  package = "todo";
  src = sources.cli;
  meta = {
    description = "Runs and deploys the Todo application";
    license = lib.licenses.asl20;
    mainProgram = "todo";
  };
}
