/**
 * Waiting for the network.
 *
 * Knows two events of the browser: it is online again, and the page is visible again. Does not ask whether the browser is
 * online: a service on the same machine can be reached without any network. Where there is no page, as in a worker, or no
 * such event at all, as in Node, the wait is as long as it was asked for.
 */

/** The events of the page; undefined in a worker. @type {(EventTarget & {hidden: boolean}) | undefined} */
const page = Reflect.get(globalThis, "document");

/**
 * Wait; for a shorter time where the network may be back before.
 *
 * @param {number} delayMs
 * @param {AbortSignal} [signal] ends the wait at once when it is aborted
 * @param {number} [minDelayMs] the shortest wait
 * @returns {Promise<void>}
 */
export function waitForNetwork(delayMs, signal, minDelayMs = 0) {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const listeners = new AbortController();
    const end = () => {
      clearTimeout(timer);
      listeners.abort();
      resolve();
    };
    const wake = () => {
      if (performance.now() - startedAt >= minDelayMs) end();
    };
    const timer = setTimeout(end, delayMs);
    globalThis.addEventListener?.("online", wake, { signal: listeners.signal });
    page?.addEventListener("visibilitychange", () => page.hidden || wake(), { signal: listeners.signal });
    signal?.addEventListener("abort", end, { signal: listeners.signal });
  });
}
