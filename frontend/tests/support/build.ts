import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const OUTPUT = ".next/standalone/server.js";
const INPUTS = ["src", "scripts", "public", "next.config.ts", "postcss.config.mjs", "package-lock.json"];

/** Builds the standalone output unless it is newer than all of its sources. */
export default function build() {
  const built = newest(OUTPUT);
  if (INPUTS.every((input) => newest(input) < built)) return;
  execFileSync(process.execPath, ["scripts/build.mjs"], {
    stdio: "inherit",
    // vitest sets NODE_ENV=test, and Next.js would make a different build for it.
    env: { ...process.env, NODE_ENV: "production", PATH: `${join("node_modules", ".bin")}:${process.env.PATH}` },
  });
}

function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  const files = readdirSync(path, { recursive: true, encoding: "utf8" });
  return Math.max(0, ...files.map((file) => statSync(join(path, file)).mtimeMs));
}
