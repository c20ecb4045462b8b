import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compressFiles } from "../../scripts/compress.mjs";

const TEXT = "export const answer = 42;\n".repeat(200);
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "todo-compress-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

test("a file gets compressed forms next to it, also in a directory below", () => {
  mkdirSync(join(directory, "chunks"));
  const path = join(directory, "chunks/a.js");
  writeFileSync(path, TEXT);
  compressFiles(directory);
  expect(brotliDecompressSync(readFileSync(`${path}.br`)).toString()).toBe(TEXT);
  expect(gunzipSync(readFileSync(`${path}.gz`)).toString()).toBe(TEXT);
});

test("small files, and those that hardly become smaller, get none", () => {
  writeFileSync(join(directory, "small.js"), "x".repeat(1000));
  writeFileSync(join(directory, "font.woff2"), randomBytes(10_000));
  compressFiles(directory);
  expect(readdirSync(directory).sort()).toEqual(["font.woff2", "small.js"]);
});

test("equal files give equal bytes, and a second run changes nothing", () => {
  for (const name of ["a.js", "b.js"]) writeFileSync(join(directory, name), TEXT);
  compressFiles(directory);
  compressFiles(directory);
  expect(readdirSync(directory).sort()).toEqual(["a.js", "a.js.br", "a.js.gz", "b.js", "b.js.br", "b.js.gz"]);
  for (const extension of ["br", "gz"]) {
    expect(readFileSync(join(directory, `a.js.${extension}`))).toEqual(
      readFileSync(join(directory, `b.js.${extension}`)),
    );
  }
  // The header of gzip has the time zero.
  expect(readFileSync(join(directory, "a.js.gz")).readUInt32LE(4)).toBe(0);
});
