// Builds .next/standalone, a directory which `node server.js` can serve anywhere without installing packages.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compressFiles } from "./compress.mjs";
import { bundleServer } from "./server.mjs";

const output = ".next/standalone";

// Equal sources must give equal builds, so the keys that Next.js generates at random are fixed, and therefore public.
// They are for server actions and for draft mode, and the application uses neither.
const SERVER_ACTIONS_KEY = Buffer.alloc(32).toString("base64");

const next = [join("node_modules", "next", "dist", "bin", "next"), "build"];
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NEXT_SERVER_ACTIONS_ENCRYPTION_KEY: SERVER_ACTIONS_KEY };
execFileSync(process.execPath, next, { stdio: "inherit", env });
cpSync(".next/static", `${output}/.next/static`, { recursive: true });
if (existsSync("public")) cpSync("public", `${output}/public`, { recursive: true });
fixDraftModeKeys();
compressFiles(`${output}/.next/static`);
bundleServer(`${output}/server.js`);

function fixDraftModeKeys() {
  const { preview } = JSON.parse(readFileSync(`${output}/.next/prerender-manifest.json`, "utf8"));
  const keys = Object.values(preview);
  if (keys.length !== 3) throw new Error("Next.js keeps its draft mode keys elsewhere: see fixDraftModeKeys");
  for (const entry of readdirSync(`${output}/.next`, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(js|json)$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, "utf8");
    const fixed = keys.reduce((fixed, key) => fixed.replaceAll(key, "0".repeat(key.length)), text);
    if (fixed !== text) writeFileSync(path, fixed);
  }
}
