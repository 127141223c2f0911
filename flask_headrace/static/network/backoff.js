/**
 * Exponential backoff with full jitter: how long to wait before the next attempt, and when to give up.
 *
 * Knows durations and randomness. Does not wait itself, and takes the clock and the random source as options.
 */

/** Counts the failures of one operation, and computes the delay after each. */
export class Backoff {
  /**
   * Each delay is drawn from 0 up to a bound, so that clients of a server that restarts do not all reconnect at once.
   *
   * @param {object} [options]
   * @param {number} [options.initialDelayMs] bound of the first delay; each further failure doubles the bound
   * @param {number} [options.maxDelayMs] largest bound
   * @param {number} [options.maxElapsedMs] attempts may start up to this long after the first failure
   * @param {() => number} [options.now] returns the current time in milliseconds, on a clock that never jumps
   * @param {() => number} [options.random] returns a number from 0 up to, but not including, 1
   */
  constructor({
    initialDelayMs = 250,
    maxDelayMs = 8000,
    maxElapsedMs = 120_000,
    now = () => performance.now(),
    random = Math.random,
  } = {}) {
    this.initialDelayMs = initialDelayMs;
    this.maxDelayMs = maxDelayMs;
    this.maxElapsedMs = maxElapsedMs;
    this.now = now;
    this.random = random;
    this.failures = 0;
    /** @type {number | null} */
    this.firstFailureAt = null;
  }

  /** Forget all failures after a success: the next failure counts as the first one. */
  reset() {
    this.failures = 0;
    this.firstFailureAt = null;
  }

  /**
   * Count one more failure, and return the delay before the next attempt.
   *
   * @param {number} [minDelayMs] shortest delay, such as the server's Retry-After; it may exceed `maxDelayMs`
   * @returns {number | null} milliseconds; null when the next attempt would start after `maxElapsedMs`
   */
  nextDelay(minDelayMs = 0) {
    this.firstFailureAt ??= this.now();
    const boundMs = Math.min(this.maxDelayMs, this.initialDelayMs * 2 ** this.failures++);
    const delayMs = Math.max(minDelayMs, this.random() * boundMs);
    return this.now() + delayMs > this.firstFailureAt + this.maxElapsedMs ? null : delayMs;
  }
}
