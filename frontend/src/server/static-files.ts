import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { preferredEncoding } from "./encoding";

/** By extension. Next.js serves files of any other type. */
const CONTENT_TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** What the build adds to the names of compressed files, the smallest first. */
const EXTENSIONS = { br: ".br", gzip: ".gz" } as const;
const ENCODINGS = Object.keys(EXTENSIONS) as (keyof typeof EXTENSIONS)[];

interface Form {
  content: Buffer;
  etag: string;
}

interface File {
  type: string;
  forms: Partial<Record<keyof typeof EXTENSIONS, Form>> & { identity: Form };
}

/** Responds to a request for a file, or returns false if it is for something else. */
export type StaticFiles = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The files in `.next/static`, and what the build has compressed of them. They have two megabytes together and are read
 * once. So no request reads or compresses a file, or can name any other.
 */
export function readStaticFiles(directory: string): StaticFiles {
  const files = readFiles(join(directory, ".next/static"));
  return (request, response) => {
    const file = files.get(request.url?.split("?", 1)[0] ?? "");
    if (!file || !/^(GET|HEAD)$/.test(request.method ?? "")) return false;
    sendFile(request, response, file);
    return true;
  };
}

function readFiles(directory: string): Map<string, File> {
  const files = new Map<string, File>();
  for (const path of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const type = CONTENT_TYPES[extname(path)];
    if (!type) continue;
    const forms: File["forms"] = { identity: readForm(join(directory, path)) };
    for (const encoding of ENCODINGS) {
      const compressed = join(directory, path + EXTENSIONS[encoding]);
      if (existsSync(compressed)) forms[encoding] = readForm(compressed);
    }
    files.set(`/_next/static/${path}`, { type, forms });
  }
  return files;
}

function readForm(path: string): Form {
  const content = readFileSync(path);
  return { content, etag: `"${createHash("sha256").update(content).digest("base64url")}"` };
}

function sendFile(request: IncomingMessage, response: ServerResponse, { type, forms }: File) {
  const available = ENCODINGS.filter((encoding) => forms[encoding]);
  const encoding = preferredEncoding(request.headers["accept-encoding"], available);
  const { content, etag } = forms[encoding] ?? forms.identity;
  // The names of these files change with their content.
  response.setHeader("cache-control", "public, max-age=31536000, immutable");
  response.setHeader("etag", etag);
  if (available.length > 0) response.setHeader("vary", "accept-encoding");
  if (isKnown(etag, request.headers["if-none-match"])) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader("content-type", type);
  response.setHeader("content-length", content.length);
  if (encoding !== "identity") response.setHeader("content-encoding", encoding);
  response.end(request.method === "HEAD" ? undefined : content);
}

/** Whether the client has this form already. A proxy may have marked the tag as weak. */
function isKnown(etag: string, ifNoneMatch: string | undefined): boolean {
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags?.some((tag) => tag === etag || tag === "*") ?? false;
}
