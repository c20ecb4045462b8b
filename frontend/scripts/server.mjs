import { buildSync } from "esbuild";

/** Bundles the server with its dependencies except Next.js, which the standalone output already contains. */
export function bundleServer(outfile) {
  buildSync({
    entryPoints: ["src/server/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["next"],
    // The CommonJS packages in the bundle call require().
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
}
