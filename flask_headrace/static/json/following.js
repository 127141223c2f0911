/**
 * Reads the text after the JSON document in a model's answer: it may hold fences, sentences, and the same document again.
 *
 * Such a text is skipped by the rule for the text before the document (locate.js): what begins a document there, begins one
 * here. A document that differs from the first one is refused, since nobody can know which of them is meant. Also refused is
 * what shows that the first one has ended too early: a closing bracket that nothing has opened, or a comma before another
 * string, array or object.
 *
 * A number, a boolean, null or a string has no brackets, so it counts only where it stands alone, in the text or in a fence.
 *
 * Does not know what the document says. The server's following.py does the same.
 */

import { JSONError } from "./errors.js";
import { DocumentLocator } from "./locate.js";
import { BLANKS, matchAt, skipBlanks } from "./tokens.js";

const TOKEN = /[ \t\n\r]+|["\\]|[^ \t\n\r"\\]+/g;
const WORD_CHARACTER = /^[-+.0-9A-Za-z]$/;
const TICKS = /`{0,3}/y;
const BRACKET = /[{}[\]]/g;
const LOW_SURROGATE = /^[\udc00-\udfff]$/;

/**
 * How far a text is from which white space is removed piece by piece; see `compact`.
 *
 * @typedef {object} Compaction
 * @property {boolean} isInString
 * @property {boolean} isEscaped
 * @property {boolean} isAfterBlank
 * @property {boolean} isAfterWord
 */

/** @type {Compaction} */
const START = { isInString: false, isEscaped: false, isAfterBlank: false, isAfterWord: false };

/**
 * Return the next piece of a JSON text without white space between its tokens, and how far the text is then. White space
 * between two words, which no document has, becomes a blank.
 *
 * @param {string} text
 * @param {Compaction} state
 * @returns {[kept: string, state: Compaction]}
 */
function compact(text, state) {
  let { isInString, isEscaped, isAfterBlank, isAfterWord } = state;
  let kept = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (isInString) {
      kept += token;
      isInString = isEscaped || token !== '"';
      isEscaped = !isEscaped && token === "\\";
    } else if (BLANKS.includes(token[0])) {
      isAfterBlank = true;
    } else {
      kept += isAfterBlank && isAfterWord && isWordCharacter(token[0]) ? ` ${token}` : token;
      isAfterBlank = false;
      isAfterWord = isWordCharacter(token[token.length - 1]);
      isInString = token === '"';
    }
  }
  return [kept, { isInString, isEscaped, isAfterBlank, isAfterWord }];
}

/** @param {string | undefined} character */
function isWordCharacter(character) {
  return character !== undefined && WORD_CHARACTER.test(character);
}

/**
 * A step reads on from an index, and returns the text and the index after what it has read.
 * @typedef {(text: string, start: number) => [text: string, next: number]} Step
 */

/** Reads, in pieces of any size, the text after a document. */
export class FollowingText {
  #document;
  #isCompact = false;
  #isInFence;
  #pieceEnd = 0;
  #pending = "";
  /** How many characters of the repetition that is being read are the same so far. */
  #matched = 0;
  #compaction = START;
  #recognizedAt = 0;
  #locator = new DocumentLocator();
  /** How many braces and brackets of the sentences are open. */
  #openBraces = 0;
  #openBrackets = 0;
  /** @type {Step} */
  #step = this.#readNeighbour;

  /**
   * @param {string} document the document's text
   * @param {boolean} isInFence whether it stands in a fence
   */
  constructor(document, isInFence) {
    this.#document = document;
    this.#isInFence = isInFence;
  }

  /**
   * Read the next piece.
   *
   * @param {string} piece
   * @param {number} pieceEnd UTF-16 units of the whole text up to the end of this piece
   * @throws {JSONError} another document follows, or the first one has not ended
   */
  read(piece, pieceEnd) {
    this.#pieceEnd = pieceEnd;
    let text = piece;
    let index = 0;
    while (index < text.length) [text, index] = this.#step(text, index);
  }

  /**
   * End the text: a word at its end may be another document.
   *
   * @param {number} end UTF-16 units of the whole text
   * @throws {JSONError} it is
   */
  end(end) {
    if (this.#step === this.#readProse) this.read(" ", end + 1);
  }

  /** @type {Step} Read up to the first character that shows whether the document has ended. */
  #readNeighbour(piece, from) {
    const text = this.#pending + piece;
    this.#pending = "";
    const start = skipBlanks(text, from);
    if (start === text.length) return [text, start];
    const isContainer = "{[".includes(this.#document[0]);
    const end = isContainer ? this.#checkAfterContainer(text, start) : this.#checkAfterScalar(text, start);
    if (end === text.length) {
      this.#pending = text.slice(start).trimEnd();
      return [text, end];
    }
    this.#step = this.#readProse;
    this.#openBraces = 0;
    this.#openBrackets = 0;
    this.#locator = new DocumentLocator({ followsDocument: true, isInFence: this.#isInFence });
    return [text, start];
  }

  /** @type {(text: string, start: number) => number} Return the index of the character that shows that no item or member follows. */
  #checkAfterContainer(text, start) {
    if (text[start] !== ",") return start;
    const next = skipBlanks(text, start + 1);
    if (next < text.length && '"{['.includes(text[next])) throw this.#unexpected(text, next);
    return next;
  }

  /** @type {(text: string, start: number) => number} Return the index of the character that shows that a fence follows. */
  #checkAfterScalar(text, start) {
    const ticks = matchAt(TICKS, text, start)?.[0].length ?? 0;
    const end = start + ticks;
    if (end < text.length && ticks < 3) throw this.#unexpected(text, end);
    return Math.min(end, start + 2);
  }

  /** @type {Step} */
  #readProse(piece, from) {
    const [text, start] = this.#locator.find(piece, from);
    this.#checkBrackets(piece, from, piece.length - (start === null ? 0 : text.length - start));
    if (start === null) return [text, text.length];
    this.#recognizedAt = this.#position(text, start + this.#locator.recognizedAfter);
    this.#isInFence = this.#locator.isInFence;
    if (!this.#isCompact) [this.#document] = compact(this.#document, START);
    this.#isCompact = true;
    this.#matched = 0;
    this.#compaction = START;
    this.#step = this.#readRepetition;
    return [text, start];
  }

  /** @type {(text: string, start: number, end: number) => void} */
  #checkBrackets(text, start, end) {
    let bracket = matchAt(BRACKET, text, start);
    while (bracket && bracket.index < end) {
      const change = "{[".includes(bracket[0]) ? 1 : -1;
      if ("{}".includes(bracket[0])) this.#openBraces += change;
      else this.#openBrackets += change;
      if (this.#openBraces < 0 || this.#openBrackets < 0) throw this.#unexpected(text, bracket.index);
      bracket = matchAt(BRACKET, text, bracket.index + 1);
    }
  }

  /** @type {Step} */
  #readRepetition(text, start) {
    // The document needs at least so many units more; the next ones may belong to other text.
    const piece = text.slice(start, start + this.#document.length - this.#matched);
    const [same, compaction] = compact(piece, this.#compaction);
    const next = start + piece.length;
    if (!this.#document.startsWith(same, this.#matched)) throw this.#difference(text, start);
    this.#compaction = compaction;
    this.#matched += same.length;
    if (this.#matched === this.#document.length) {
      if (compaction.isAfterWord && isWordCharacter(text[next])) throw this.#difference(text, next);
      this.#step = this.#readNeighbour;
    }
    return [text, next];
  }

  /** @type {(text: string, start: number) => JSONError} Make the error of a text that differs from `start` on, or later. */
  #difference(text, start) {
    let index = start;
    let matched = this.#matched;
    let [same, compaction] = compact(text[index], this.#compaction);
    while (matched < this.#document.length && this.#document.startsWith(same, matched)) {
      index++;
      matched += same.length;
      [same, compaction] = compact(text[index], compaction);
    }
    // The halves of a surrogate pair are one character.
    const position = this.#position(text, index) - (LOW_SURROGATE.test(text[index]) ? 1 : 0);
    const message = "A second document differs from the first one";
    return new JSONError("malformed", message, Math.max(position, this.#recognizedAt));
  }

  /** @type {(text: string, index: number) => JSONError} */
  #unexpected(text, index) {
    const found = JSON.stringify(String.fromCodePoint(text.codePointAt(index) ?? 0));
    return new JSONError("malformed", `${found} stands where the text's end should`, this.#position(text, index));
  }

  /** @type {(text: string, index: number) => number} */
  #position(text, index) {
    return this.#pieceEnd - text.length + index;
  }
}
