/**
 * What an answer took: time to its first token, its speed, its tokens, its cost.
 *
 * Knows times and numbers, and how to say them. Knows no clock: every moment is handed in, in milliseconds.
 */

export class Meter {
  /** `times` are those of a meter before, for an answer that goes on. */
  constructor(now, times = null) {
    this.times = times ?? { asked: now, first: null, last: null, deltas: 0 };
    this.usage = null;
  }

  /** A piece of the answer came. */
  token(now) {
    this.times.first ??= now;
    this.times.last = now;
    this.times.deltas++;
  }

  /** What is known, each as `{value, label}`, ready to be read. */
  facts() {
    const facts = [];
    const { usage } = this;
    const { asked, first } = this.times;
    if (first !== null) facts.push({ value: seconds(first - asked), label: "to first token" });
    const speed = this.#speed();
    if (speed) facts.push({ value: speed, label: "tokens/s" });
    if (!usage) return facts;
    const reasoning = usage.reasoning_tokens ? `, ${whole(usage.reasoning_tokens)} of them reasoning` : "";
    const cached = usage.cached_tokens ? `, ${whole(usage.cached_tokens)} of them cached` : "";
    facts.push({ value: whole(usage.output_tokens), label: `tokens out${reasoning}` });
    facts.push({ value: whole(usage.input_tokens), label: `in${cached}` });
    facts.push({ value: cost(usage), label: usage.estimated ? "estimated" : "" });
    if (usage.attempts > 1) facts.push({ value: whole(usage.attempts), label: "attempts" });
    return facts;
  }

  #speed() {
    const { first, last, deltas } = this.times;
    if (first === null) return "";
    const tokens = this.usage?.output_tokens || deltas;
    const span = (last - first) / 1000;
    // The first token only starts the clock, and a burst says nothing about speed.
    if (tokens < 3 || span < 0.05) return "";
    const rate = (tokens - 1) / span;
    return (this.usage ? "" : "≈ ") + (rate < 10 ? rate.toFixed(1) : whole(Math.round(rate)));
  }
}

/** Say a duration given in milliseconds. */
export function seconds(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/** Say a cost: null is a price that nobody knows, 0 is free. */
export function cost({ cost: amount, currency }) {
  if (amount === null || amount === undefined) return "price unknown";
  if (amount === 0) return "free";
  const format = { style: "currency", currency: currency || "USD", currencyDisplay: "narrowSymbol" };
  const digits = amount < 0.01 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 3 };
  return new Intl.NumberFormat("en", { ...format, ...digits }).format(amount);
}

function whole(number) {
  return new Intl.NumberFormat("en").format(number ?? 0);
}
