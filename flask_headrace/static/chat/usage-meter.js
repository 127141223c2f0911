/**
 * What an answer took: the time to its first token, its speed, its tokens, its cost.
 *
 * Knows times and numbers, and how to write them. Does not know a clock: each time is passed in, in milliseconds.
 */

/** @import { Fact } from "../answer/parts.js" */
/** @import { Usage } from "../network/stream.js" */

/**
 * When the pieces of an answer came; `deltas` counts them. `pausedMs` is the time between them in which the model was not
 * asked, and `isPaused` whether it is not asked now.
 *
 * @typedef {{askedAt: number, firstTokenAt: number | null, lastTokenAt: number | null, deltas: number, pausedMs?: number,
 *   isPaused?: boolean}} Times
 */

/** Measures one answer, and returns what is known of it as facts for a reader. */
export class UsageMeter {
  /** @type {Usage | null} The usage that the server reported. */
  usage = null;

  /**
   * @param {number} now when the question was sent
   * @param {Times | null} [times] the times of an earlier meter, for an answer that goes on
   * @param {Usage | null} [earlier] what earlier streams of the same answer took
   */
  constructor(now, times = null, earlier = null) {
    this.earlier = earlier;
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

  /** What the whole answer took, as far as the server has reported it. */
  get total() {
    return this.usage && this.earlier ? addUsage(this.earlier, this.usage) : (this.usage ?? this.earlier);
  }

  /** Return what is known, ready to be shown. */
  facts() {
    /** @type {Fact[]} */
    const facts = [];
    const usage = this.total;
    const { askedAt, firstTokenAt } = this.times;
    if (firstTokenAt !== null) facts.push({ value: formatDuration(firstTokenAt - askedAt), label: "to first token" });
    const speed = this.#speed();
    if (speed) facts.push({ value: speed, label: "tokens/s" });
    if (!usage) return facts;
    const reasoning = usage.reasoning_tokens ? `, ${formatInteger(usage.reasoning_tokens)} of them reasoning` : "";
    const cached = usage.cached_tokens ? `, ${formatInteger(usage.cached_tokens)} of them cached` : "";
    facts.push({ value: formatInteger(usage.output_tokens), label: `tokens out${reasoning}` });
    facts.push({ value: formatInteger(usage.input_tokens), label: `in${cached}` });
    facts.push({ value: formatCost(usage), label: usage.estimated ? "estimated" : "" });
    const attempts = usage.attempts?.length ?? 0;
    if (attempts > 1) facts.push({ value: formatInteger(attempts), label: "attempts" });
    return facts;
  }

  /** Return the tokens in a second, as text; "" where too little is known. */
  #speed() {
    const { firstTokenAt, lastTokenAt, deltas, pausedMs = 0 } = this.times;
    if (firstTokenAt === null || lastTokenAt === null) return "";
    const tokens = this.usage?.output_tokens || deltas;
    const seconds = (lastTokenAt - firstTokenAt - pausedMs) / 1000;
    // The first token only starts the clock, and a burst says nothing about speed.
    if (tokens < 3 || seconds < 0.05) return "";
    const rate = (tokens - 1) / seconds;
    return (this.usage ? "" : "≈ ") + (rate < 10 ? rate.toFixed(1) : formatInteger(Math.round(rate)));
  }
}

/**
 * Return what two streams of one answer took.
 *
 * @param {Usage} before
 * @param {Usage} after
 * @returns {Usage}
 */
function addUsage(before, after) {
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

/**
 * Return a duration as text.
 *
 * @param {number} milliseconds
 */
export function formatDuration(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/**
 * Return a cost as text. A cost of null is an unknown price, 0 is free.
 *
 * @param {Pick<Usage, "cost" | "currency">} usage
 */
export function formatCost({ cost, currency }) {
  if (cost === null || cost === undefined) return "price unknown";
  if (cost === 0) return "free";
  const digits = cost < 0.01 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 3 };
  /** @type {Intl.NumberFormatOptions} */
  const options = { style: "currency", currency: currency || "USD", currencyDisplay: "narrowSymbol", ...digits };
  return new Intl.NumberFormat("en", options).format(cost);
}

/** @param {number | undefined} number */
function formatInteger(number) {
  return new Intl.NumberFormat("en").format(number ?? 0);
}
