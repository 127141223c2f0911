/**
 * What an answer took, as facts for a reader: the time to its first token, its speed, its tokens, its cost. Pure.
 */

import { currentLanguage, translate } from "../words/words.js";

/** @import { Usage } from "../network/stream.js" */

/**
 * When the pieces of an answer came, in milliseconds of one clock; `deltas` counts them. `pausedMs` is the time between them in
 * which the model was not asked, and `isPaused` whether it is not asked now.
 *
 * @typedef {{askedAt: number, firstTokenAt: number | null, lastTokenAt: number | null, deltas: number, pausedMs?: number,
 *   isPaused?: boolean}} Times
 */

/** A burst, or a clock that was set, says nothing about speed. */
const MIN_SPEED_SECONDS = 0.05;

/**
 * Return what is known of an answer, ready to be shown.
 *
 * @param {{times: Times | null, usage: Usage | null}} answer
 * @returns {string[]}
 */
export function answerFacts({ times, usage }) {
  return [...timeFacts(times, usage), ...(usage ? usageFacts(usage) : [])];
}

/**
 * Return a duration as text.
 *
 * @param {number} milliseconds
 */
export function formatDuration(milliseconds) {
  if (milliseconds < 1000) return translate("facts.milliseconds", { number: Math.max(1, Math.round(milliseconds)) });
  const digits = milliseconds < 10_000 ? 2 : 1;
  return translate("facts.seconds", { number: formatNumber(milliseconds / 1000, digits) });
}

/**
 * Return a cost as text. A cost of null is an unknown price, 0 is free.
 *
 * @param {Pick<Usage, "cost" | "currency">} usage
 */
export function formatCost({ cost, currency }) {
  if (typeof cost !== "number" || !Number.isFinite(cost)) return translate("facts.price-unknown");
  if (cost === 0) return translate("facts.free");
  const digits = cost < 0.01 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 3 };
  /** @type {Intl.NumberFormatOptions} */
  const options = { style: "currency", currency: currency || "USD", currencyDisplay: "narrowSymbol", ...digits };
  try {
    return new Intl.NumberFormat(currentLanguage(), options).format(cost);
  } catch {
    // Not every service counts in a currency of the standard: credits, points.
    return `${new Intl.NumberFormat(currentLanguage(), digits).format(cost)} ${currency}`;
  }
}

/** @type {(times: Times | null, usage: Usage | null) => string[]} */
function timeFacts(times, usage) {
  const wait = (times?.firstTokenAt ?? -1) - (times?.askedAt ?? 0);
  // The clock was set in between, or nothing has come.
  if (!times || times.firstTokenAt === null || wait < 0) return [];
  const first = translate("facts.first-token", { duration: formatDuration(wait) });
  const speed = formatSpeed(times, usage);
  return speed ? [first, translate(usage ? "facts.speed" : "facts.speed-about", { speed })] : [first];
}

/** @type {(usage: Usage) => string[]} */
function usageFacts(usage) {
  const { output_tokens: output, reasoning_tokens: reasoning, input_tokens: input, cached_tokens: cached } = usage;
  const cost = formatCost(usage);
  const attempts = usage.attempts?.length ?? 0;
  return [
    translate("facts.output", { count: output ?? 0 }) + (reasoning ? translate("facts.reasoning", { count: reasoning }) : ""),
    translate("facts.input", { count: input ?? 0 }) + (cached ? translate("facts.cached", { count: cached }) : ""),
    usage.estimated ? translate("facts.estimated", { cost }) : cost,
    ...(attempts > 1 ? [translate("facts.attempts", { count: attempts })] : []),
  ];
}

/** @type {(times: Times, usage: Usage | null) => string} Return the tokens in a second, as text; "" where too little is known. */
function formatSpeed({ firstTokenAt, lastTokenAt, deltas, pausedMs = 0 }, usage) {
  if (firstTokenAt === null || lastTokenAt === null) return "";
  const tokens = usage?.output_tokens || deltas;
  const seconds = (lastTokenAt - firstTokenAt - pausedMs) / 1000;
  // The first token only starts the clock.
  if (tokens < 3 || !(seconds >= MIN_SPEED_SECONDS)) return "";
  const rate = (tokens - 1) / seconds;
  return formatNumber(rate, rate < 10 ? 1 : 0);
}

/** @type {(number: number, digits: number) => string} */
function formatNumber(number, digits) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(currentLanguage(), options).format(number);
}
