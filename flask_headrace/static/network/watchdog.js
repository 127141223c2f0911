/**
 * An idle timeout: aborts an operation during which nothing happens.
 *
 * Knows timers, abort signals, and the sleep of a page or of its machine. Does not know what the operation is.
 */

import { onWake } from "./network-wait.js";

/** What has arrived while the page slept is read within this time after it wakes. */
const WAKE_GRACE_MS = 1500;

/** An operation that has been silent for so long is doubted once the browser changes its network. */
const NETWORK_CHANGE_QUIET_MS = 1000;

/** Aborts its `signal` when `reset` is not called for `timeoutMs`, or when the parent signal is aborted. */
export class Watchdog {
  /** Whether the timeout has passed, rather than the parent signal been aborted. */
  isExpired = false;
  #controller = new AbortController();
  #listeners = new AbortController();
  #timeoutMs;
  #wakeQuietMs;
  #activeAt = 0;
  #activeAtWallClock = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * Start the timeout.
   *
   * @param {number} timeoutMs milliseconds without a call of `reset` before `signal` is aborted
   * @param {AbortSignal} [parent] a signal whose abort is passed on, with its reason
   * @param {number} [wakeQuietMs] after a silence of so long, an operation is aborted soon after the page wakes from a
   *   sleep, during which timers stand still; by default waking changes nothing
   */
  constructor(timeoutMs, parent, wakeQuietMs = Infinity) {
    this.#timeoutMs = timeoutMs;
    this.#wakeQuietMs = wakeQuietMs;
    const passOn = () => this.#controller.abort(parent?.reason);
    if (parent?.aborted) passOn();
    parent?.addEventListener("abort", passOn, { signal: this.#listeners.signal });
    if (wakeQuietMs < Infinity) onWake((isOnline) => this.#lookAfterSleep(isOnline), this.#listeners.signal);
    this.reset();
  }

  /** The signal for the operation that is watched. */
  get signal() {
    return this.#controller.signal;
  }

  /**
   * Restart the timeout. Called whenever the operation makes progress.
   *
   * @param {number} [timeoutMs] the timeout from now on; by default as it was
   */
  reset(timeoutMs = this.#timeoutMs) {
    this.#timeoutMs = timeoutMs;
    this.#activeAt = performance.now();
    this.#activeAtWallClock = Date.now();
    this.#start(timeoutMs);
  }

  /** Cancel the timeout and detach from the parent signal. `signal` stays as it is. Idempotent. */
  close() {
    clearTimeout(this.#timer);
    this.#listeners.abort();
  }

  /** @param {number} delayMs */
  #start(delayMs) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isExpired = true;
      this.#controller.abort();
    }, delayMs);
  }

  /** @param {boolean} isOnline whether the browser has another network, rather than the page woken */
  #lookAfterSleep(isOnline) {
    // Monotonic clocks stand still while a machine sleeps. A wall clock that was set in the meantime costs one reconnect.
    const quietMs = Math.max(performance.now() - this.#activeAt, Date.now() - this.#activeAtWallClock);
    if (quietMs >= (isOnline ? NETWORK_CHANGE_QUIET_MS : this.#wakeQuietMs)) this.#start(WAKE_GRACE_MS);
  }
}
