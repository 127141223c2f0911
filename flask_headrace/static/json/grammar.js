/**
 * The grammar of JSON (RFC 8259) as a machine that reads a document in pieces and writes down what each changes.
 *
 * Its steps each take one word and say which step is next. What is unfinished at a piece's end and shows nothing yet (half
 * an escape, a number, the beginning of `true`) is read again with the next piece; it is a few characters, or a number.
 *
 * Knows nothing of what is around the document, and nothing of who reads it.
 */

import {
  BLANKS, ESCAPE, ESCAPE_START, HALF, LITERALS, LITERAL_START, MAX_NUMBER, NUMBER_START, SPECIAL, find, isWhole, pastBlanks,
  reach, unescaped,
} from "./json-tokens.js";

/** A text is not JSON, or beyond a limit. */
export class JSONError extends Error {
  /**
   * @param kind "malformed", "incomplete", "too deep" or "too long"
   * @param at how many UTF-16 units of the text come before the one at which it went wrong
   */
  constructor(kind, message, at) {
    super(`${message}, at character ${at}`);
    this.name = "JSONError";
    this.kind = kind;
    this.at = at;
    /** What the refused piece still changed before. */
    this.ops = [];
  }
}

export class Grammar {
  /** What the text has changed; whoever takes them empties the list. */
  ops = [];
  /** The end of the last piece, which is read again with the next one. */
  rest = "";
  isComplete = false;
  /** Whether anything but blanks may follow the document. */
  skipsRest = false;
  inString = false;
  /** Whether the open string is a key. */
  isKey = false;
  /** The open string's, if it is no key. */
  path = "";
  #isNew = false;
  #characters = "";
  // The innermost open container: its path, the index of its next item (null for members), where its next value is added.
  #container = "";
  #index = null;
  #place = "";
  #outer = [];
  #end = 0;
  #step = this.#value;

  constructor(maxDepth, maxPath) {
    Object.assign(this, { maxDepth, maxPath });
  }

  /** The path of what is open. */
  get innermost() {
    return this.inString && !this.isKey ? this.path : this.#container;
  }

  /** Read the next piece. `end` is how many UTF-16 units there are up to its end. Throws a JSONError. */
  read(piece, end) {
    const text = this.rest + piece;
    this.rest = "";
    this.#end = end;
    try {
      let at = this.inString ? this.#string(text, 0) : 0;
      while (at < text.length) at = BLANKS.includes(text[at]) ? pastBlanks(text, at) : this.#step(text, at);
    } finally {
      if (this.inString && !this.isKey) this.#show();
    }
  }

  // The steps: each takes the text and the place of a character that is not blank, and returns the place after a word.

  #value(text, at) {
    const mark = text[at];
    if (mark === '"') {
      this.path = this.#nextPath();
      this.#isNew = true;
      return this.#string(text, at + 1);
    }
    if (mark === "{" || mark === "[") return this.#begin(text, at);
    if ("-0123456789".includes(mark)) return this.#number(text, at);
    if ("tfn".includes(mark)) return this.#literal(text, at);
    throw this.#unexpected(text, at, "a value");
  }

  #firstItem(text, at) {
    return text[at] === "]" ? this.#close(at) : this.#value(text, at);
  }

  #afterItem(text, at) {
    if (text[at] === "]") return this.#close(at);
    if (text[at] !== ",") throw this.#unexpected(text, at, "a comma or the end of the array");
    this.#step = this.#value;
    return at + 1;
  }

  #firstKey(text, at) {
    return text[at] === "}" ? this.#close(at) : this.#key(text, at);
  }

  #key(text, at) {
    if (text[at] !== '"') throw this.#unexpected(text, at, "a key in double quotes");
    this.isKey = true;
    return this.#string(text, at + 1);
  }

  #colon(text, at) {
    if (text[at] !== ":") throw this.#unexpected(text, at, "a colon");
    this.#step = this.#value;
    return at + 1;
  }

  #afterMember(text, at) {
    if (text[at] === "}") return this.#close(at);
    if (text[at] !== ",") throw this.#unexpected(text, at, "a comma or the end of the object");
    this.#step = this.#key;
    return at + 1;
  }

  #afterDocument(text, at) {
    if (!this.skipsRest) throw this.#unexpected(text, at, "the text's end");
    return text.length;
  }

  // Containers.

  #begin(text, at) {
    if (this.#outer.length === this.maxDepth) {
      throw this.#error("too deep", `More than ${this.maxDepth} arrays and objects are open`, text, at);
    }
    const isObject = text[at] === "{";
    const path = this.#nextPath();
    this.ops.push({ op: "add", path: this.#place, value: isObject ? {} : [] });
    this.#outer.push([this.#container, this.#index, this.#place]);
    this.#container = path;
    this.#index = isObject ? null : 0;
    this.#place = `${path}/-`;
    this.#step = isObject ? this.#firstKey : this.#firstItem;
    return at + 1;
  }

  #close(at) {
    this.ops.push({ op: "close", path: this.#container });
    [this.#container, this.#index, this.#place] = this.#outer.pop();
    this.#endValue();
    return at + 1;
  }

  #nextPath() {
    return this.#index === null ? this.#place : `${this.#container}/${this.#index}`;
  }

  #endValue() {
    if (this.#outer.length === 0) {
      this.isComplete = true;
      this.#step = this.#afterDocument;
    } else if (this.#index === null) {
      this.#step = this.#afterMember;
    } else {
      this.#index++;
      this.#step = this.#afterItem;
    }
  }

  // Words.

  #number(text, at) {
    const end = reach(NUMBER_START, text, at);
    if (end - at > MAX_NUMBER) {
      throw this.#error("too long", `A number has more than ${MAX_NUMBER} characters`, text, at + MAX_NUMBER);
    }
    if (end === text.length) return this.#hold(text, at);
    const word = text.slice(at, end);
    if (!isWhole(word)) throw this.#unexpected(text, end, "a digit");
    const value = Number(word);
    if (!Number.isFinite(value)) throw this.#error("malformed", "A number is larger than numbers can be", text, end);
    return this.#scalar(value, end);
  }

  #literal(text, at) {
    const end = reach(LITERAL_START, text, at);
    const word = text.slice(at, end);
    if (LITERALS.has(word)) return this.#scalar(LITERALS.get(word), end);
    if (end === text.length) return this.#hold(text, at);
    throw this.#unexpected(text, end, "true, false or null");
  }

  #scalar(value, end) {
    this.ops.push({ op: "add", path: this.#place, value });
    this.#endValue();
    return end;
  }

  #hold(text, at) {
    this.rest = text.slice(at);
    return text.length;
  }

  // Strings.

  #string(text, from) {
    this.inString = true;
    let at = from;
    while (at < text.length) {
      const end = find(SPECIAL, text, at)?.index ?? text.length;
      this.#characters += text.slice(at, end);
      if (end === text.length) return end;
      if (text[end] === '"') {
        this.#endString(text, end);
        return end + 1;
      }
      at = this.#escape(text, end);
    }
    return at;
  }

  #escape(text, at) {
    const escape = find(ESCAPE, text, at);
    if (escape) {
      this.#characters += unescaped(escape[0]);
      return at + escape[0].length;
    }
    const end = reach(ESCAPE_START, text, at);
    if (end === text.length || (end === at && HALF.test(text.slice(at)))) return this.#hold(text, at);
    throw this.#unexpected(text, end, "a character or an escape of one");
  }

  #endString(text, at) {
    this.inString = false;
    if (this.isKey) return this.#endKey(text, at);
    this.#show();
    this.ops.push({ op: "close", path: this.path });
    this.#endValue();
  }

  #endKey(text, at) {
    this.isKey = false;
    this.#place = `${this.#container}/${this.#characters.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    this.#characters = "";
    if ([...this.#place].length > this.maxPath) {
      throw this.#error("too long", `A path has more than ${this.maxPath} characters`, text, at);
    }
    this.#step = this.#colon;
  }

  #show() {
    const value = this.#characters;
    this.#characters = "";
    if (this.#isNew) this.ops.push({ op: "add", path: this.#place, value });
    else if (value) this.ops.push({ op: "append", path: this.path, value });
    this.#isNew = false;
  }

  #error(kind, message, text, at) {
    return new JSONError(kind, message, this.#end - text.length + at);
  }

  #unexpected(text, at, wanted) {
    const found = JSON.stringify(String.fromCodePoint(text.codePointAt(at)));
    return this.#error("malformed", `${found} stands where ${wanted} should`, text, at);
  }
}
