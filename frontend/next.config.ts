import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  turbopack: { root: import.meta.dirname },
  // The names of static files contain hashes, so builds need no ids of their own. A fixed id keeps builds reproducible.
  generateBuildId: () => "todo",
  poweredByHeader: false,
  reactStrictMode: true,
  images: { unoptimized: true },
  // Next.js includes sharp (20 MB, with native code) even though it resizes no images here.
  outputFileTracingExcludes: { "*": ["node_modules/sharp/**", "node_modules/@img/**"] },
  // `npm run typecheck` checks the types, including those of the tests.
  typescript: { ignoreBuildErrors: true },
  // The container's root file system is read-only.
  experimental: { isrFlushToDisk: false },
  // Allows hot reload for pages that were opened at 127.0.0.1.
  allowedDevOrigins: ["127.0.0.1"],
  // The server logs requests itself.
  logging: { incomingRequests: false },
};

export default config;
