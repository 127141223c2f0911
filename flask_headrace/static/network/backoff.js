/**
 * How long to wait before trying again, and when to stop trying.
 *
 * Knows times, in milliseconds, and chance. Waits for nothing itself: the clock and the dice are handed in.
 */

export class Backoff {
  /**
   * The wait before each try is drawn from zero up to a bound (full jitter), so that readers whose server comes back do not
   * all come at once. The bound is `least` at first, doubles with each try and is never more than `most`. From the first
   * failure on, tries begin within `limit`.
   */
  constructor({ least = 250, most = 8000, limit = 120_000, now = () => performance.now(), random = Math.random } = {}) {
    Object.assign(this, { least, most, limit, now, random });
    this.reset();
  }

  /** All is well again: the next failure is a first one. */
  reset() {
    this.tries = 0;
    this.since = null;
  }

  /** Return how long to wait after one more failure, `asked` at least; null where it is time to give up. */
  next(asked = 0) {
    this.since ??= this.now();
    const bound = Math.min(this.most, this.least * 2 ** this.tries++);
    const wait = Math.max(asked, this.random() * bound);
    return this.now() + wait > this.since + this.limit ? null : wait;
  }
}
