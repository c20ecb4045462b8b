import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** A smaller file fits into a few packets of the network as it is. */
const MIN_BYTES = 1024;
/** A compressed file is kept if it has at most this part of the size. Fonts, for example, are compressed already. */
const MAX_RATIO = 0.9;

/** Writes `NAME.br` and `NAME.gz` next to each file of a directory that they make much smaller. */
export function compressFiles(directory) {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.(br|gz)$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path);
    if (content.length < MIN_BYTES) continue;
    const forms = { br: brotli(content), gz: gzipSync(content, { level: constants.Z_BEST_COMPRESSION }) };
    for (const [extension, compressed] of Object.entries(forms)) {
      if (compressed.length <= content.length * MAX_RATIO) writeFileSync(`${path}.${extension}`, compressed);
    }
  }
}

function brotli(content) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return brotliCompressSync(content, { params });
}
