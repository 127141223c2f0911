/**
 * An idle timeout: aborts an operation during which nothing happens.
 *
 * Knows timers and abort signals. Does not know what the operation is.
 */

/** Aborts its `signal` when `reset` is not called for `timeoutMs`, or when the parent signal is aborted. */
export class Watchdog {
  /**
   * Start the timeout.
   *
   * @param {number} timeoutMs milliseconds without a call of `reset` before `signal` is aborted
   * @param {AbortSignal} [parent] a signal whose abort is passed on, with its reason
   */
  constructor(timeoutMs, parent) {
    this.timeoutMs = timeoutMs;
    this.parent = parent;
    this.controller = new AbortController();
    this.passOn = () => this.controller.abort(parent?.reason);
    if (parent?.aborted) this.passOn();
    parent?.addEventListener("abort", this.passOn);
    this.reset();
  }

  /** The signal for the operation that is watched. */
  get signal() {
    return this.controller.signal;
  }

  /** Restart the timeout. Called whenever the operation makes progress. */
  reset() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(), this.timeoutMs);
  }

  /** Cancel the timeout and detach from the parent signal. `signal` stays as it is. Idempotent. */
  close() {
    clearTimeout(this.timer);
    this.parent?.removeEventListener("abort", this.passOn);
  }
}
