import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Returns the route of a path. The number of routes is limited, since each one becomes a label of the metrics. */
export type RouteMatcher = (path: string) => string;

export function createRouteMatcher(pages: string[]): RouteMatcher {
  const patterns = pages.map((page) => [page, new RegExp(`^${page.replace(/\[[^\]]+\]/g, "[^/]+")}$`)] as const);
  return (path) => {
    if (path === "/api/health") return path;
    if (path.startsWith("/api/")) return "/api/*";
    if (path.startsWith("/_next/")) return "/_next/*";
    return patterns.find(([, pattern]) => pattern.test(path))?.[0] ?? "unmatched";
  };
}

/** The routes of the pages in a finished build. */
export function builtPages(directory: string): string[] {
  const manifest = readFileSync(join(directory, ".next/app-path-routes-manifest.json"), "utf8");
  return Object.values(JSON.parse(manifest) as Record<string, string>);
}
