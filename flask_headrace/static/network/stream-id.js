/**
 * The id of a stream, chosen by who asks: asking twice with one id is asking once.
 */

/** Return the id of a new stream: 128 bits that nobody can guess. */
export function freshId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
