/**
 * Finds where in a model's answer its JSON document begins: after any sentences, and inside a Markdown fence if there is one.
 *
 * A document begins
 *
 * - with the first character that is not blank, of the text or inside a fence that has no name or is named `json`: any
 *   value;
 * - in prose, with a `{` before `"` or `}`, or a `[` before `"`, `[` or `{`: so [1], [links](…) and - [ ] are none.
 *
 * Does not read the document itself.
 */

import { LITERALS, MAX_NUMBER_LENGTH, NUMBER_START, isCompleteNumber, matchAt, matchEnd, skipBlanks } from "./tokens.js";

/** Most characters of a fence's opening line. A longer line is no fence. */
const MAX_FENCE_LENGTH = 64;

/** What must follow a bracket in prose, so that it begins a document. */
const FOLLOWERS = new Map([["{", '"}'], ["[", '"[{']]);
const BRACKET_OR_TICK = /[{[`]/g;
const WORD = /[-+.0-9A-Za-z]*/y;
const FENCE = /(`+)[ \t]*([0-9A-Za-z_+.-]*)[ \t\r]*/y;

/** Reads a text up to its document. The result does not depend on how the text is cut into pieces. */
export class DocumentLocator {
  /** Whether only white space came before the document. */
  isAlone = true;
  #pending = "";
  #mayBegin = true;
  #isInForeignFence = false;
  #isFound = false;

  /**
   * Read the next piece of the text.
   *
   * @param {string} delta
   * @returns {string | null} the text from the document's first character on; null while no document has begun
   */
  feed(delta) {
    const text = this.#pending + delta;
    this.#pending = "";
    let index = 0;
    while (index < text.length && !this.#isFound) {
      index = this.#mayBegin ? this.#readStart(text, index) : this.#readProse(text, index);
    }
    return this.#isFound ? text.slice(index) : null;
  }

  // Each of these reads on from an index, and returns the index after what it has read.

  /**
   * @param {string} text
   * @param {number} from
   */
  #readStart(text, from) {
    const start = skipBlanks(text, from);
    if (start === text.length) return start;
    const end = matchEnd(WORD, text, start);
    if (end === text.length && start < end && end - start <= MAX_NUMBER_LENGTH) return this.#postpone(text, start);
    if ('{["'.includes(text[start]) || isScalar(text.slice(start, end))) this.#isFound = true;
    else this.#mayBegin = this.isAlone = false;
    return start;
  }

  /**
   * @param {string} text
   * @param {number} from
   */
  #readProse(text, from) {
    const found = matchAt(BRACKET_OR_TICK, text, from);
    if (!found) return text.length;
    const start = found.index;
    if (text[start] === "`") return this.#readTicks(text, start);
    const next = skipBlanks(text, start + 1);
    if (next === text.length) {
      this.#pending = text[start]; // the white space has no meaning, and may be long
      return next;
    }
    this.#isFound = FOLLOWERS.get(text[start])?.includes(text[next]) ?? false;
    return this.#isFound ? start : start + 1;
  }

  /**
   * @param {string} text
   * @param {number} start
   */
  #readTicks(text, start) {
    const [line, ticks, title] = /** @type {RegExpExecArray} */ (matchAt(FENCE, text, start));
    const end = start + line.length;
    if (end === text.length && line.length <= MAX_FENCE_LENGTH) return this.#postpone(text, start);
    if (text[end] !== "\n" || ticks.length < 3) return start + ticks.length;
    const name = title.toLowerCase();
    this.#mayBegin = name === "json" || !(name || this.#isInForeignFence);
    this.#isInForeignFence = name !== "" && name !== "json";
    return end + 1;
  }

  /**
   * Keep the rest of the text until the next piece comes.
   *
   * @param {string} text
   * @param {number} start
   */
  #postpone(text, start) {
    this.#pending = text.slice(start);
    return text.length;
  }
}

/**
 * Return whether a word is a number, a boolean or null.
 *
 * @param {string} word
 */
function isScalar(word) {
  return LITERALS.has(word) || (isCompleteNumber(word) && matchEnd(NUMBER_START, word) === word.length);
}
