/**
 * Finds where in a model's answer a JSON document begins: in a Markdown fence, in a sentence, or at the beginning.
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

/** Most characters of a fence's opening line, without its line break. A longer line is no fence. */
const MAX_FENCE_LENGTH = 64;

/** What must follow a bracket in prose, so that it begins a document. */
const FOLLOWERS = new Map([["{", '"}'], ["[", '"[{']]);
const BRACKET_OR_TICK = /[{[`]/g;
const WORD = /[-+.0-9A-Za-z]*/y;
const TICKS = /`*/y;
const FENCE = /(`+)[ \t]*([0-9A-Za-z_+.-]*)[ \t\r]*/y;

/** Reads a text up to its document. The result does not depend on how the text is cut into pieces. */
export class DocumentLocator {
  /** Whether the text so far ends inside a fence. */
  isInFence;
  /** The document's UTF-16 units before the one that shows that it is a document. */
  recognizedAfter = 0;
  #pending = "";
  #mayBegin;
  #isFound = false;
  /** Whether the text so far ends inside a run of ticks that is too long for a fence. */
  #isInTicks = false;

  /**
   * @param {object} [place]
   * @param {boolean} [place.followsDocument] whether another document stands directly before the text
   * @param {boolean} [place.isInFence] whether the text begins inside a fence
   */
  constructor({ followsDocument = false, isInFence = false } = {}) {
    this.#mayBegin = !followsDocument;
    this.isInFence = isInFence;
  }

  /**
   * Read the next piece of the text, and find the document.
   *
   * @param {string} delta
   * @param {number} [from] the index in the piece from which to read
   * @returns {[text: string, start: number | null]} the piece, after what was kept of the one before; and the index of the
   *   document's first character in it, null while no document has begun
   */
  find(delta, from = 0) {
    const text = this.#pending + delta;
    this.#pending = "";
    let index = from;
    while (index < text.length && !this.#isFound) {
      index = this.#mayBegin ? this.#readStart(text, index) : this.#readProse(text, index);
    }
    return [text, this.#isFound ? index : null];
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
    const word = text.slice(start, Math.min(end, start + MAX_NUMBER_LENGTH + 1));
    this.#mayBegin = this.#isFound = '{["'.includes(text[start]) || mayBeScalar(word);
    this.recognizedAfter = Math.min(end - start, MAX_NUMBER_LENGTH);
    return start;
  }

  /**
   * @param {string} text
   * @param {number} from
   */
  #readProse(text, from) {
    const first = this.#isInTicks ? matchEnd(TICKS, text, from) : from;
    this.#isInTicks &&= first === text.length;
    const found = matchAt(BRACKET_OR_TICK, text, first);
    if (!found) return text.length;
    const start = found.index;
    if (text[start] === "`") return this.#readTicks(text, start);
    const next = skipBlanks(text, start + 1);
    if (next === text.length) {
      this.#pending = text[start]; // the white space has no meaning, and may be long
      return next;
    }
    this.#isFound = FOLLOWERS.get(text[start])?.includes(text[next]) ?? false;
    this.recognizedAfter = next - start;
    return this.#isFound ? start : start + 1;
  }

  /**
   * @param {string} text
   * @param {number} start
   */
  #readTicks(text, start) {
    const [line, ticks, title] = /** @type {RegExpExecArray} */ (matchAt(FENCE, text, start));
    const end = start + line.length;
    const afterTicks = start + ticks.length;
    if (line.length > MAX_FENCE_LENGTH) {
      this.#isInTicks = afterTicks === text.length;
      return afterTicks;
    }
    if (end === text.length) return this.#postpone(text, start);
    if (text[end] !== "\n" || ticks.length < 3) return afterTicks;
    const name = title.toLowerCase();
    // A fence without a name closes the one that is open.
    this.#mayBegin = name === "json" || !(name || this.isInFence);
    this.isInFence = name !== "" || !this.isInFence;
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
 * Return whether a word is a number, a boolean or null; or the beginning of a number that is too long to be read.
 *
 * @param {string} word
 */
function mayBeScalar(word) {
  if (LITERALS.has(word)) return true;
  return (word.length > MAX_NUMBER_LENGTH || isCompleteNumber(word)) && matchEnd(NUMBER_START, word) === word.length;
}
