/**
 * Measures one answer: when its pieces came, and what it took. Does not know a clock: each time is passed in, in milliseconds.
 */

/** @import { Times } from "../answer/facts.js" */
/** @import { Usage } from "../network/stream.js" */

/** Measures the times of one answer. */
export class UsageMeter {
  /**
   * @param {number} now when the question was sent
   * @param {Times | null} [times] the times of an earlier meter, for an answer that goes on
   */
  constructor(now, times = null) {
    /** @type {Times} */
    this.times = times ?? { askedAt: now, firstTokenAt: null, lastTokenAt: null, deltas: 0 };
  }

  /**
   * Count a piece of the answer.
   *
   * @param {number} now when it came
   */
  countDelta(now) {
    const { times } = this;
    if (times.isPaused) times.pausedMs = (times.pausedMs ?? 0) + now - (times.lastTokenAt ?? now);
    times.isPaused = false;
    times.firstTokenAt ??= now;
    times.lastTokenAt = now;
    times.deltas++;
  }

  /** The time up to the next piece is not the model's: tools run. */
  pause() {
    this.times.isPaused = true;
  }
}

/**
 * Return what two streams of one answer took.
 *
 * @param {Usage | null} before
 * @param {Usage} after
 * @returns {Usage}
 */
export function addUsage(before, after) {
  if (!before) return after;
  const costs = [before.cost, after.cost];
  return {
    ...after,
    input_tokens: before.input_tokens + after.input_tokens,
    output_tokens: before.output_tokens + after.output_tokens,
    cached_tokens: (before.cached_tokens ?? 0) + (after.cached_tokens ?? 0),
    reasoning_tokens: (before.reasoning_tokens ?? 0) + (after.reasoning_tokens ?? 0),
    cost: costs.includes(null) ? null : costs.reduce((sum, cost) => Number(sum) + Number(cost)),
    estimated: before.estimated || after.estimated,
    attempts: [...(before.attempts ?? []), ...(after.attempts ?? [])],
  };
}
