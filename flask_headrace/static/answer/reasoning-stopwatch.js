/**
 * Measures how long a model reasons, so that the time can be stored with the part. Pure: it is given the clock.
 *
 *   append({ type: "reasoning", text, durationMs: stopwatch.lap(parts.at(-1)) });
 */

/** Measures the runs of reasoning of one stream. */
export class ReasoningStopwatch {
  #startedAt = 0;
  #isRunning = false;

  /** @param {() => number} clock returns a time in milliseconds */
  constructor(clock) {
    this.clock = clock;
  }

  /**
   * Return how long the run of reasoning has taken when its next text comes.
   *
   * @param {{type: string, durationMs?: number} | undefined} last the answer's last part before the text: the run itself, also
   *   one of which the beginning was stored before the page was loaded again; any other part where a run begins
   */
  lap(last) {
    const now = this.clock();
    const before = last?.type === "reasoning" ? (last.durationMs ?? 0) : null;
    if (before === null || !this.#isRunning) this.#startedAt = now - (before ?? 0);
    this.#isRunning = true;
    return Math.max(0, now - this.#startedAt);
  }
}
