import { spawn } from "node:child_process";
import { bundleServer } from "./server.mjs";

bundleServer("build/server.js");
const server = spawn(process.execPath, ["build/server.js", "--dev"], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.kill(signal));
server.on("exit", (code) => process.exit(code ?? 1));
