import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Names the route of a path, out of a small set: metric labels must not multiply with what clients invent. */
export type RouteOf = (path: string) => string;

export function routeMatcher(pages: string[]): RouteOf {
  const patterns = pages.map((page) => [page, new RegExp(`^${page.replace(/\[[^\]]+\]/g, "[^/]+")}$`)] as const);
  return (path) => {
    if (path === "/api/health") return path;
    if (path.startsWith("/api/")) return "/api/*";
    if (path.startsWith("/_next/")) return "/_next/*";
    return patterns.find(([, pattern]) => pattern.test(path))?.[0] ?? "unmatched";
  };
}

/** The pages of a finished build. */
export function builtPages(directory: string): string[] {
  const manifest = readFileSync(join(directory, ".next/app-path-routes-manifest.json"), "utf8");
  return Object.values(JSON.parse(manifest) as Record<string, string>);
}
