/**
 * Formulas in text: `\(x\)`, `\[x\]`, `$$x$$`, and `$x$` where it is no money.
 *
 * Knows where a formula begins and ends. What stands in it is TeX, which nobody reads here.
 */

import { MAX_REACH } from "./inline-items.js";
import { WAIT } from "./match.js";

/**
 * What begins at an index: a formula up to `end`; "open", one whose end is still to come; "maybe", one that is shown as text
 * until its end comes; null, none.
 *
 * @typedef {{end: number, tex: string, display: boolean, isOpen: boolean} | "maybe" | typeof WAIT | null} Found
 */

/** A formula between dollars that may be something else is held back for so many characters. */
const MAX_HELD = 20;

/** What has this in it is hardly anything else. */
const LIKELY = /^[A-Za-z]_[A-Za-z0-9{]|[\\^{=]/;

const ENDS = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };

/** Finds the formulas in one text, and looks at each character of it only once or twice. */
export class Formulas {
  /** @type {Map<string, number>} Where an end was found last: there is none before it. */
  #found = new Map();

  /**
   * @param {string} text
   * @param {boolean} isOpen whether more text may come
   */
  constructor(text, isOpen) {
    this.text = text;
    this.isOpen = isOpen;
  }

  /**
   * Read the formula that begins at an index.
   *
   * @param {number} at
   * @param {string} previous the character before it; "" for none
   * @returns {Found}
   */
  at(at, previous) {
    const mark = /** @type {keyof typeof ENDS} */ (this.text[at] === "$" && this.text[at + 1] !== "$" ? "$" : this.text.slice(at, at + 2));
    const start = at + mark.length;
    if (mark === "$") return this.#readDollar(at, previous);
    if (start >= this.text.length) return this.isOpen ? WAIT : null;
    if (mark === "$$" && (this.text[start] === "$" || previous === "$")) return null;
    const end = this.#indexOf(ENDS[mark], start);
    const first = this.text.slice(start, end < 0 ? start + MAX_HELD : Math.min(end, start + MAX_HELD));
    if (!/[^\s\\]/.test(first)) return end < 0 && this.isOpen && first.length < MAX_HELD ? WAIT : null;
    return this.#formula(at, start, end, mark);
  }

  /** @type {(at: number, previous: string) => Found} */
  #readDollar(at, previous) {
    const start = at + 1;
    const next = this.text[start];
    if (/[A-Za-z0-9$\\]/.test(previous)) return null;
    if (next === undefined) return this.isOpen ? WAIT : null;
    if (/\s/.test(next)) return null;
    const end = this.#indexOf("$", start);
    if (end < 0) return this.#readUnfinished(at, this.text.slice(start, start + MAX_REACH));
    const after = this.text[end + 1] ?? "";
    const tex = this.text.slice(start, end);
    if (/\s$/.test(tex) || /[A-Za-z0-9]/.test(after) || isProse(tex)) return null;
    if (!after && this.isOpen) return this.#readUnfinished(at, tex);
    return this.#formula(at, start, end, "$");
  }

  /** @type {(at: number, tex: string) => Found} */
  #readUnfinished(at, tex) {
    if (!this.isOpen || this.text.length - at > MAX_REACH) return null;
    if (LIKELY.test(tex)) return { end: this.text.length, tex, display: false, isOpen: true };
    const isUndecided = tex.length <= MAX_HELD && !/^\d[\d.,]*[^\d.,A-Za-z+*/<>()-]|[A-Za-z]{3}[^A-Za-z]*\s|\n/.test(tex);
    return isUndecided ? WAIT : "maybe";
  }

  /** @type {(at: number, start: number, end: number, mark: string) => Found} */
  #formula(at, start, end, mark) {
    const display = mark === "$$" || mark === "\\[";
    const stop = end < 0 ? this.text.length : end;
    if (stop - at > MAX_REACH || (end < 0 && !this.isOpen)) return null;
    if (end >= 0) return { end: end + mark.length, tex: this.text.slice(start, end).trim(), display, isOpen: false };
    let first = start;
    while (/\s/.test(this.text[first] ?? "")) first++;
    let last = stop;
    // A blank may stand before the closing mark, and a backslash or a dollar be the beginning of it.
    while (last > first && /[\s\\$]/.test(this.text[last - 1])) last--;
    return { end: stop, tex: this.text.slice(first, last), display, isOpen: true };
  }

  /**
   * Return where a mark stands that no backslash takes the meaning of; -1 where it does not.
   *
   * @param {string} mark
   * @param {number} from
   */
  #indexOf(mark, from) {
    const known = this.#found.get(mark) ?? 0;
    if (known < 0 || known >= from) return known;
    let found = this.text.indexOf(mark, from);
    while (found > 0 && isEscaped(this.text, found, from)) found = this.text.indexOf(mark, found + 1);
    this.#found.set(mark, found);
    return found;
  }
}

/** @type {(text: string, at: number, from: number) => boolean} Return whether an odd number of backslashes stands before. */
function isEscaped(text, at, from) {
  let start = at;
  while (start > from && text[start - 1] === "\\") start--;
  return (at - start) % 2 === 1;
}

/**
 * Return whether what stands between two dollars is words, or an amount of money and words.
 *
 * @param {string} tex
 */
function isProse(tex) {
  const words = tex.replace(/\\[A-Za-z]+(?:\{[^{}]*\})?/g, " ").match(/[A-Za-z]{3,}/g) ?? [];
  if (/[\\^_={}<>+]/.test(tex)) return /^\d[\d.,]*[kKMB]?\s/.test(tex) && words.length > 3;
  return words.length > 1 || (/^\d/.test(tex) && words.length > 0 && /\s/.test(tex));
}
