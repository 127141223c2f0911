/**
 * Waiting for the network.
 *
 * Knows the events of the browser after which a connection is worth a look: it is online again, or the page is visible
 * again, or goes on after it was frozen or kept aside. Does not ask whether the browser is online: a service on the same
 * machine can be reached without any network. Where there is no page, as in a worker, or no such event at all, as in
 * Node, the wait is as long as it was asked for.
 */

/** The events of the page; undefined in a worker. @type {(EventTarget & {hidden: boolean}) | undefined} */
const page = Reflect.get(globalThis, "document");

/**
 * Call `listener` whenever the network may be back, or may have been lost unnoticed: `isOnline` is true where the browser
 * says that it is online again, and false where the page goes on after a sleep or comes into view.
 *
 * @param {(isOnline: boolean) => void} listener
 * @param {AbortSignal} signal ends the calls when it is aborted
 */
export function onWake(listener, signal) {
  const onShow = () => listener(false);
  globalThis.addEventListener?.("online", () => listener(true), { signal });
  globalThis.addEventListener?.("pageshow", onShow, { signal });
  page?.addEventListener("resume", onShow, { signal });
  page?.addEventListener("visibilitychange", () => page.hidden || onShow(), { signal });
}

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
    onWake(wake, listeners.signal);
    signal?.addEventListener("abort", end, { signal: listeners.signal });
  });
}
