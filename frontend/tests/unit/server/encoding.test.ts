import { expect, test } from "vitest";
import { preferredEncoding } from "@/server/encoding";

test.each([
  [undefined, "identity"],
  ["", "identity"],
  ["gzip, deflate, br, zstd", "br"],
  ["gzip, deflate", "gzip"],
  ["deflate", "identity"],
  ["GZIP", "gzip"],
  ["br;q=0.5, gzip;q=0.8", "gzip"],
  ["br;q=0.5,gzip;q=0.5", "br"],
  ["br;q=0, gzip", "gzip"],
  ["br;q=0, gzip;q=0.000", "identity"],
  ["br ; q=0.2 , identity;q=0.9", "identity"],
  ["identity, br", "br"],
  ["*", "br"],
  ["*;q=0", "identity"],
  ["br;q=0, *", "gzip"],
  ["gzip;q=0.2, *;q=0.1", "gzip"],
  ["identity;q=0", "identity"],
  ["br;q=much, gzip", "gzip"],
  [",;,", "identity"],
])("Accept-Encoding %s is answered with %s", (header, encoding) => {
  expect(preferredEncoding(header, ["br", "gzip"])).toBe(encoding);
});

test("an encoding that is not available is not chosen", () => {
  expect(preferredEncoding("br, gzip;q=0.1", ["gzip"])).toBe("gzip");
  expect(preferredEncoding("br", [])).toBe("identity");
});
