import type { NextConfig } from "next";

const securityHeaders = [
  { key: "x-content-type-options", value: "nosniff" },
  { key: "referrer-policy", value: "strict-origin-when-cross-origin" },
  { key: "cross-origin-opener-policy", value: "same-origin" },
  { key: "permissions-policy", value: "camera=(), geolocation=(), microphone=(), payment=(), usb=()" },
];

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  turbopack: { root: import.meta.dirname },
  // Static file names carry content hashes, so the build id need not tell builds apart and stays reproducible.
  generateBuildId: () => "todo",
  poweredByHeader: false,
  reactStrictMode: true,
  images: { unoptimized: true },
  // Next.js traces sharp, which resizes images, even where images are unoptimized: 20 MB and native code.
  outputFileTracingExcludes: { "*": ["node_modules/sharp/**", "node_modules/@img/**"] },
  // `npm run typecheck` does this, for the tests too.
  typescript: { ignoreBuildErrors: true },
  // The container's root file system is read-only.
  experimental: { isrFlushToDisk: false },
  // Hot reload also for those who open the address as 127.0.0.1.
  allowedDevOrigins: ["127.0.0.1"],
  // The server logs requests itself.
  logging: { incomingRequests: false },
  headers: async () => [{ source: "/:path*", headers: securityHeaders }],
};

export default config;
