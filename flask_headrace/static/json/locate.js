/**
 * Where in a model's answer its JSON document begins: past the sentences and the Markdown fence before it.
 *
 * A document begins
 *
 * - with the first character that is not blank, of the text or inside a fence that has no name or is named `json`: any
 *   value;
 * - in prose, with a `{` before `"` or `}`, or a `[` before `"`, `[` or `{`: so [1], [links](…) and - [ ] are none.
 *
 * Knows nothing of what a document is inside.
 */

import { LITERALS, MAX_NUMBER, NUMBER_START, find, isWhole, pastBlanks, reach } from "./json-tokens.js";

/** Characters of a fence's line, at most; a longer one is none. */
const LONGEST_FENCE = 64;

const FOLLOWERS = { "{": '"}', "[": '"[{' };
const MARK = /[{[`]/g;
const WORD = /[-+.0-9A-Za-z]*/y;
const FENCE = /(`+)[ \t]*([0-9A-Za-z_+.-]*)[ \t\r]*/y;

/** Reads a text up to its document, however it is cut. */
export class Opening {
  /** Whether nothing but blanks came before the document. */
  isAlone = true;
  #held = "";
  #mayBegin = true;
  #isForeign = false;
  #isFound = false;

  /** Take the next piece and return the text from the document's first character on; null while there is none. */
  feed(delta) {
    const text = this.#held + delta;
    this.#held = "";
    let at = 0;
    while (at < text.length && !this.#isFound) at = this.#mayBegin ? this.#atBeginning(text, at) : this.#inProse(text, at);
    return this.#isFound ? text.slice(at) : null;
  }

  #atBeginning(text, from) {
    const at = pastBlanks(text, from);
    if (at === text.length) return at;
    const end = reach(WORD, text, at);
    if (end === text.length && at < end && end - at <= MAX_NUMBER) return this.#hold(text, at);
    if ('{["'.includes(text[at]) || isScalar(text.slice(at, end))) this.#isFound = true;
    else this.#mayBegin = this.isAlone = false;
    return at;
  }

  #inProse(text, from) {
    const mark = find(MARK, text, from);
    if (!mark) return text.length;
    const at = mark.index;
    if (text[at] === "`") return this.#atTicks(text, at);
    const after = pastBlanks(text, at + 1);
    if (after === text.length) {
      this.#held = text[at]; // the blanks mean nothing, and may be many
      return after;
    }
    this.#isFound = FOLLOWERS[text[at]].includes(text[after]);
    return this.#isFound ? at : at + 1;
  }

  #atTicks(text, at) {
    const [line, ticks, title] = find(FENCE, text, at);
    const end = at + line.length;
    if (end === text.length && line.length <= LONGEST_FENCE) return this.#hold(text, at);
    if (text[end] !== "\n" || ticks.length < 3) return at + ticks.length;
    const name = title.toLowerCase();
    this.#mayBegin = name === "json" || !(name || this.#isForeign);
    this.#isForeign = name !== "" && name !== "json";
    return end + 1;
  }

  #hold(text, at) {
    this.#held = text.slice(at);
    return text.length;
  }
}

/** Whether a word is a number, a boolean or null. */
function isScalar(word) {
  return LITERALS.has(word) || (isWhole(word) && reach(NUMBER_START, word) === word.length);
}
