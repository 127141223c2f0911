/**
 * Counting down the time after which a question may be asked again.
 *
 * Knows seconds, a clock, and the words for the time that is left. Does not know the page, nor what is done at the end.
 */

import { onWake } from "../network/network-wait.js";

/**
 * Where the time comes from: milliseconds of a clock that never jumps, and timers.
 * @typedef {{now: () => number, setTimeout: (callback: () => void, delayMs: number) => unknown, clearTimeout: (timer: any) => void}} Clock
 */

/** @type {Clock} */
const BROWSER_CLOCK = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * Return the words for the time that is left.
 *
 * @param {number} secondsLeft
 * @param {boolean} isAutomatic whether the page asks again by itself
 */
export function countdownText(secondsLeft, isAutomatic) {
  const time = secondsLeft < 120 ? `${secondsLeft} s` : `${Math.ceil(secondsLeft / 60)} min`;
  return isAutomatic ? `Trying again in ${time}.` : `You can try again in ${time}.`;
}

/** Counts whole seconds down, and says when the time is over. */
export class RetryCountdown {
  #endsAt;
  #onTick;
  #onEnd;
  #clock;
  #listeners = new AbortController();
  /** @type {unknown} */
  #timer;

  /**
   * Start to count: `onTick` is called at once, and with every second.
   *
   * @param {number} seconds
   * @param {object} options
   * @param {(secondsLeft: number) => void} options.onTick shows the seconds that are left, of which the last is 1
   * @param {() => void} options.onEnd called once when the time is over, unless the countdown was cancelled before
   * @param {Clock} [options.clock] the browser's by default
   */
  constructor(seconds, { onTick, onEnd, clock = BROWSER_CLOCK }) {
    this.#clock = clock;
    this.#onTick = onTick;
    this.#onEnd = onEnd;
    this.#endsAt = clock.now() + seconds * 1000;
    // A browser calls the timers of a hidden page rarely.
    onWake(() => this.#tick(), this.#listeners.signal);
    this.#tick();
  }

  /** The seconds that are left, rounded up; 0 when the time is over. */
  get secondsLeft() {
    return Math.max(0, Math.ceil((this.#endsAt - this.#clock.now()) / 1000));
  }

  /** Stop counting: neither `onTick` nor `onEnd` is called any more. Idempotent. */
  cancel() {
    this.#listeners.abort();
    this.#clock.clearTimeout(this.#timer);
  }

  #tick() {
    const { secondsLeft } = this;
    this.#clock.clearTimeout(this.#timer);
    if (secondsLeft === 0) {
      this.cancel();
      this.#onEnd();
      return;
    }
    const leftMs = this.#endsAt - this.#clock.now();
    this.#timer = this.#clock.setTimeout(() => this.#tick(), leftMs - (secondsLeft - 1) * 1000);
    this.#onTick(secondsLeft);
  }
}
