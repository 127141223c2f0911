/**
 * The grammar of JSON (RFC 8259) as a state machine: reads a document in pieces, and records what each piece changes.
 *
 * A state is a method that reads one token and sets the next state. A token that is unfinished at a piece's end and shows
 * nothing yet (half an escape, a number, the beginning of `true`) is read again with the next piece; it is short.
 *
 * Does not know what is around the document, nor who uses the ops.
 */

import { JSONError } from "./errors.js";
import {
  BLANKS, ESCAPE, ESCAPE_START, HIGH_SURROGATE, LITERALS, LITERAL_START, MAX_NUMBER_LENGTH, NUMBER_START, SPECIAL,
  isCompleteNumber, matchAt, matchEnd, skipBlanks, unescape,
} from "./tokens.js";

/** @import { Op } from "./document.js" */
/** @import { JSONErrorKind } from "./errors.js" */

/**
 * A state reads the token that begins at `start`, a character that is not white space, and returns the index after it.
 * @typedef {(text: string, start: number) => number} State
 */

/** Parses one JSON document, which begins with the first character that is read. */
export class Grammar {
  /** @type {Op[]} What the text has changed. The user of the ops takes them out by assigning an empty list. */
  ops = [];
  /** The unfinished token at the end of the last piece. */
  rest = "";
  isComplete = false;
  isInString = false;
  /** Whether the open string is a key. */
  isKey = false;
  /** Path of the open string, if it is a value. */
  stringPath = "";
  #isNewString = false;
  #characters = "";
  /** Path of the innermost open container. */
  #container = "";
  /** @type {number | null} Index of the next item of that container; null in an object. */
  #index = null;
  /** Path at which the next value is added. */
  #place = "";
  /** @type {[container: string, index: number | null, place: string][]} The containers around the innermost one. */
  #outer = [];
  #pieceEnd = 0;
  /** @type {State} */
  #state = this.#value;

  /**
   * @param {number} maxDepth most open arrays and objects
   * @param {number} maxPathLength most characters of a path
   */
  constructor(maxDepth, maxPathLength) {
    this.maxDepth = maxDepth;
    this.maxPathLength = maxPathLength;
  }

  /** Path of the innermost open value. */
  get innermostPath() {
    return this.isInString && !this.isKey ? this.stringPath : this.#container;
  }

  /**
   * Read the next piece up to the document's end, and add what it changes to `ops`.
   *
   * @param {string} piece
   * @param {number} pieceEnd UTF-16 units of the whole text up to the end of this piece, for the place of an error
   * @returns {string} the rest of the piece, which follows the document
   * @throws {JSONError}
   */
  read(piece, pieceEnd) {
    const text = this.rest + piece;
    this.rest = "";
    this.#pieceEnd = pieceEnd;
    try {
      let index = this.isInString ? this.#readString(text, 0) : 0;
      while (index < text.length && !this.isComplete) {
        index = BLANKS.includes(text[index]) ? skipBlanks(text, index) : this.#state(text, index);
      }
      return text.slice(index);
    } finally {
      if (this.isInString && !this.isKey) this.#flushString();
    }
  }

  /** @type {State} */
  #value(text, start) {
    const first = text[start];
    if (first === '"') {
      this.stringPath = this.#nextPath();
      this.#isNewString = true;
      return this.#readString(text, start + 1);
    }
    if (first === "{" || first === "[") return this.#open(text, start);
    if ("-0123456789".includes(first)) return this.#readNumber(text, start);
    if ("tfn".includes(first)) return this.#readLiteral(text, start);
    throw this.#unexpected(text, start, "a value");
  }

  /** @type {State} */
  #firstItem(text, start) {
    return text[start] === "]" ? this.#close(start) : this.#value(text, start);
  }

  /** @type {State} */
  #afterItem(text, start) {
    if (text[start] === "]") return this.#close(start);
    if (text[start] !== ",") throw this.#unexpected(text, start, "a comma or the end of the array");
    this.#state = this.#value;
    return start + 1;
  }

  /** @type {State} */
  #firstKey(text, start) {
    return text[start] === "}" ? this.#close(start) : this.#key(text, start);
  }

  /** @type {State} */
  #key(text, start) {
    if (text[start] !== '"') throw this.#unexpected(text, start, "a key in double quotes");
    this.isKey = true;
    return this.#readString(text, start + 1);
  }

  /** @type {State} */
  #colon(text, start) {
    if (text[start] !== ":") throw this.#unexpected(text, start, "a colon");
    this.#state = this.#value;
    return start + 1;
  }

  /** @type {State} */
  #afterMember(text, start) {
    if (text[start] === "}") return this.#close(start);
    if (text[start] !== ",") throw this.#unexpected(text, start, "a comma or the end of the object");
    this.#state = this.#key;
    return start + 1;
  }

  // Containers.

  /** @type {State} */
  #open(text, start) {
    if (this.#outer.length === this.maxDepth) {
      throw this.#error("too deep", `More than ${this.maxDepth} arrays and objects are open`, text, start);
    }
    const isObject = text[start] === "{";
    const path = this.#nextPath();
    this.ops.push({ op: "add", path: this.#place, value: isObject ? {} : [] });
    this.#outer.push([this.#container, this.#index, this.#place]);
    this.#container = path;
    this.#index = isObject ? null : 0;
    this.#place = `${path}/-`;
    this.#state = isObject ? this.#firstKey : this.#firstItem;
    return start + 1;
  }

  /** @param {number} start index of the closing bracket */
  #close(start) {
    this.ops.push({ op: "close", path: this.#container });
    [this.#container, this.#index, this.#place] = this.#outer.pop() ?? ["", null, ""];
    this.#endValue();
    return start + 1;
  }

  /** Return the path that the next value will have. `#place` may end in "/-" instead of an index. */
  #nextPath() {
    return this.#index === null ? this.#place : `${this.#container}/${this.#index}`;
  }

  #endValue() {
    if (this.#outer.length === 0) {
      this.isComplete = true;
    } else if (this.#index === null) {
      this.#state = this.#afterMember;
    } else {
      this.#index++;
      this.#state = this.#afterItem;
    }
  }

  // Numbers, literals.

  /** @type {State} */
  #readNumber(text, start) {
    const end = matchEnd(NUMBER_START, text, start);
    if (end - start > MAX_NUMBER_LENGTH) {
      throw this.#error("too long", `A number has more than ${MAX_NUMBER_LENGTH} characters`, text, start + MAX_NUMBER_LENGTH);
    }
    if (end === text.length) return this.#postpone(text, start);
    const word = text.slice(start, end);
    if (!isCompleteNumber(word)) throw this.#unexpected(text, end, "a digit");
    const value = Number(word);
    if (!Number.isFinite(value)) throw this.#error("malformed", "A number is larger than a 64-bit float can be", text, end);
    return this.#addScalar(value, end);
  }

  /** @type {State} */
  #readLiteral(text, start) {
    const end = matchEnd(LITERAL_START, text, start);
    const value = LITERALS.get(text.slice(start, end));
    if (value !== undefined) return this.#addScalar(value, end);
    if (end === text.length) return this.#postpone(text, start);
    throw this.#unexpected(text, end, "true, false or null");
  }

  /** @type {(value: number | boolean | null, end: number) => number} Add a value whose token ends at `end`, and return `end`. */
  #addScalar(value, end) {
    this.ops.push({ op: "add", path: this.#place, value });
    this.#endValue();
    return end;
  }

  /** @type {State} Keep an unfinished token until the next piece comes. */
  #postpone(text, start) {
    this.rest = text.slice(start);
    return text.length;
  }

  // Strings.

  /** @type {State} Read a string from inside it: from after its quote, or from the beginning of a later piece. */
  #readString(text, start) {
    this.isInString = true;
    let index = start;
    while (index < text.length) {
      const end = matchAt(SPECIAL, text, index)?.index ?? text.length;
      this.#characters += text.slice(index, end);
      if (end === text.length) return end;
      if (text[end] === '"') {
        this.#endString(text, end);
        return end + 1;
      }
      index = this.#readEscape(text, end);
    }
    return index;
  }

  /** @type {State} */
  #readEscape(text, start) {
    const escape = matchAt(ESCAPE, text, start);
    if (escape) {
      this.#characters += unescape(escape[0]);
      return start + escape[0].length;
    }
    const end = matchEnd(ESCAPE_START, text, start);
    if (end === text.length || (end === start && HIGH_SURROGATE.test(text.slice(start)))) return this.#postpone(text, start);
    throw this.#unexpected(text, end, "a character or an escape of one");
  }

  /** @type {(text: string, quote: number) => void} End the string at its closing quote. */
  #endString(text, quote) {
    this.isInString = false;
    if (this.isKey) return this.#endKey(text, quote);
    this.#flushString();
    this.ops.push({ op: "close", path: this.stringPath });
    this.#endValue();
  }

  /** @type {(text: string, quote: number) => void} End the key at its closing quote. */
  #endKey(text, quote) {
    this.isKey = false;
    this.#place = `${this.#container}/${this.#characters.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    this.#characters = "";
    if ([...this.#place].length > this.maxPathLength) {
      throw this.#error("too long", `A path has more than ${this.maxPathLength} characters`, text, quote);
    }
    this.#state = this.#colon;
  }

  /** Record the characters of the open string that were read since the last call. */
  #flushString() {
    const value = this.#characters;
    this.#characters = "";
    if (this.#isNewString) this.ops.push({ op: "add", path: this.#place, value });
    else if (value) this.ops.push({ op: "append", path: this.stringPath, value });
    this.#isNewString = false;
  }

  /** @type {(kind: JSONErrorKind, message: string, text: string, index: number) => JSONError} Make an error at an index of `text`. */
  #error(kind, message, text, index) {
    return new JSONError(kind, message, this.#pieceEnd - text.length + index);
  }

  /** @type {(text: string, index: number, wanted: string) => JSONError} Make the error that `wanted` is not there. */
  #unexpected(text, index, wanted) {
    const found = JSON.stringify(String.fromCodePoint(text.codePointAt(index) ?? 0));
    return this.#error("malformed", `${found} stands where ${wanted} should`, text, index);
  }
}
