/**
 * Tells a reader that a model is silent, and for how long.
 *
 * Knows one timer. Its clock is passed in, and does not jump when the machine's clock is set.
 */

/** A silence is told once it lasts so long. */
const SHOW_AFTER_MS = 3000;
const TICK_MS = 1000;

/** Counts the seconds since something last came. */
export class SilenceClock {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #since = 0;

  /**
   * @param {(seconds: number) => void} onTick called each second with the whole seconds of a silence that is worth telling, and with 0
   *   when it ends
   * @param {() => number} [now] milliseconds
   */
  constructor(onTick, now = () => performance.now()) {
    this.onTick = onTick;
    this.now = now;
  }

  /** Something has come, or was asked for: the silence begins anew. */
  reset() {
    const wasShown = this.#timer !== undefined && this.now() - this.#since >= SHOW_AFTER_MS;
    this.#since = this.now();
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    if (wasShown) this.onTick(0);
  }

  /** Nothing is waited for any more. */
  stop() {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.onTick(0);
  }

  #tick() {
    const silentMs = this.now() - this.#since;
    if (silentMs >= SHOW_AFTER_MS) this.onTick(Math.floor(silentMs / 1000));
  }
}
