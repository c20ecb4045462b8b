/** 128 random bits. crypto.randomUUID() would need HTTPS, which a cluster on a laptop does not have. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
