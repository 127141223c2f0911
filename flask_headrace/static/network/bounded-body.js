/**
 * Reading the whole body of a response, within bounds.
 *
 * Knows bytes and time. Does not know what the body means.
 */

/**
 * Return the text of a body; of one that is longer, slower or broken, the part that came. Never throws.
 *
 * @param {Response} response
 * @param {object} limits
 * @param {number} limits.maxBytes
 * @param {number} limits.timeoutMs
 * @param {AbortSignal} [limits.signal] ends the reading at once when it is aborted
 */
export async function readBoundedText(response, { maxBytes, timeoutMs, signal }) {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  const listeners = new AbortController();
  /** @type {Promise<null>} */
  const over = new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), timeoutMs);
    listeners.signal.addEventListener("abort", () => clearTimeout(timer));
    if (signal?.aborted) resolve(null);
    signal?.addEventListener("abort", () => resolve(null), { signal: listeners.signal });
  });
  let text = "";
  try {
    for (let left = maxBytes; left > 0; ) {
      const read = await Promise.race([reader.read(), over]);
      if (!read || read.done) break;
      text += decoder.decode(read.value.subarray(0, left), { stream: true });
      left -= read.value.length;
    }
  } catch {
    // What came before the connection broke is what there is.
  }
  listeners.abort();
  // Also frees the connection. Nothing is cancelled where the body has ended.
  reader.cancel().catch(() => {});
  return text;
}
