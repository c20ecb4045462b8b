// Builds .next/standalone: a directory that `node server.js` serves anywhere, without node_modules of its own.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { bundleServer } from "./server.mjs";

const output = ".next/standalone";

execFileSync("next", ["build"], { stdio: "inherit", env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" } });
cpSync(".next/static", `${output}/.next/static`, { recursive: true });
if (existsSync("public")) cpSync("public", `${output}/public`, { recursive: true });
bundleServer(`${output}/server.js`);
