/**
 * The id of a stream. The client chooses the id: the server answers two requests with one id only once.
 */

/** Return the id of a new stream: 128 random bits as 32 hexadecimal digits. */
export function newStreamId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
