/**
 * Waiting for the network.
 *
 * Knows what a browser tells: that it is online again, and that the page is looked at again. It is not asked whether it is
 * online: a service on the same machine can be reached without any network.
 */

/**
 * Wait for so many milliseconds; less where the network may be back before, but never less than `least`, unless `signal`
 * is aborted.
 */
export function pause(milliseconds, signal, least = 0) {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const begun = performance.now();
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const wake = () => performance.now() - begun < least || end();
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", wake, { signal: over.signal });
    document.addEventListener("visibilitychange", () => document.hidden || wake(), { signal: over.signal });
    signal?.addEventListener("abort", end, { signal: over.signal });
  });
}

/** An end to a wait in which nothing happens: aborts its `signal` after so many milliseconds without a call of `alive`. */
export class Watchdog {
  constructor(milliseconds, outer) {
    this.milliseconds = milliseconds;
    this.control = new AbortController();
    this.signal = this.control.signal;
    this.outer = outer;
    this.follow = () => this.control.abort(outer.reason);
    if (outer?.aborted) this.follow();
    outer?.addEventListener("abort", this.follow);
    this.alive();
  }

  alive() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.control.abort(), this.milliseconds);
  }

  /** Watch no more. May be called twice. */
  close() {
    clearTimeout(this.timer);
    this.outer?.removeEventListener("abort", this.follow);
  }
}
