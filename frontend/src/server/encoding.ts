/**
 * The encoding that the client prefers (RFC 9110, section 12.5.3), and among equals the first of those available. It is
 * `identity` if the client asks for no encoding, or for none that is available.
 */
export function preferredEncoding<Encoding extends string>(
  header: string | undefined,
  available: readonly Encoding[],
): Encoding | "identity" {
  if (!header) return "identity";
  const weights = new Map(header.split(",").map(parseEntry));
  // A client that does not mention it accepts it, but would rather have what it mentions.
  let best: Encoding | "identity" = "identity";
  let bestWeight = weights.get("identity") ?? 0;
  for (const encoding of available) {
    const weight = weights.get(encoding) ?? weights.get("*") ?? 0;
    if (weight > bestWeight || (weight === bestWeight && weight > 0 && best === "identity")) {
      best = encoding;
      bestWeight = weight;
    }
  }
  return best;
}

/** Parses an entry such as `gzip;q=0.8`. An invalid weight counts as zero. */
function parseEntry(entry: string): [encoding: string, weight: number] {
  const [name = "", ...parameters] = entry.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  return [name, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
}
