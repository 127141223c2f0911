/**
 * A paragraph, which may turn out to be something else: the definitions of references, a heading, or the head of a table.
 *
 * What may be a definition is held back until it is known. So is what stands behind a bar, because below it may come the
 * line of dashes that makes a table.
 */

import { Inline } from "./inline.js";
import { columnsOf } from "./table-line.js";
import { definitionAt } from "./link-target.js";
import { WAIT } from "./match.js";

/** @import { MarkdownSink } from "./operations.js" */
/** @import { References } from "./references.js" */

/** Most characters that are held back of what may be a definition, and of a line with a bar. */
const MAX_HELD_DEFINITION = 1000;
const MAX_HELD_LABEL = 100;
const MAX_HELD_HEAD = 300;
/** A line with so many characters is no head of a table. */
const MAX_HEAD = 2000;
/** In a line that begins with a bar, what has more characters after its last bar is no cell. */
const MAX_HELD_CELL = 30;

/** @typedef {{label: string, href: string, title: string}} Definition */

/** A paragraph. */
export class Paragraph {
  kind = /** @type {const} */ ("paragraph");
  /** @type {string[]} The text after the definitions, in pieces, for when it turns out to be another block. */
  #raw = [];
  /** The current line. */
  #line = "";
  /** The end of the text, which is not shown yet. */
  #held = "";
  /** @type {"definitions" | "head" | "text"} What the held text may be; "head" for a line that may be a table's. */
  #state = "definitions";
  /** Whether text was shown that may be a definition all the same. */
  #isDoubtful = false;
  #hasText = false;
  /** How many characters of what may be a definition are shown as what they are otherwise. */
  #previewed = 0;
  /** @type {Inline | null} */
  #inline = null;

  /**
   * @param {MarkdownSink} sink
   * @param {References} references
   * @param {(definition: Definition) => void} define
   */
  constructor(sink, references, define) {
    this.sink = sink;
    this.references = references;
    this.define = define;
  }

  /** How many cells the current line has, if it may be a table's head; 0 if it may not. */
  get columns() {
    return this.#line.includes("|") ? columnsOf(this.#line) : 0;
  }

  /** Return whether a line below it may make it a heading: it has text, and not only definitions. */
  canBeHeading() {
    this.#takeDefinitions(false);
    return this.#hasText || this.#held.trim() !== "";
  }

  /** Begin a line after the first one. */
  startLine() {
    if (this.#state !== "definitions") this.#showHeld();
    this.#line = "";
    if (this.#hasText || this.#held) this.#add("\n");
    if (this.#state !== "definitions") this.#state = "head";
  }

  /** @param {string} piece the next text of the line */
  text(piece) {
    if (this.#line.length <= MAX_HEAD) this.#line += piece;
    this.#add(piece);
  }

  /** End the current line, and return whether that closes the block. */
  endLine() {
    return false;
  }

  /** Remove the paragraph, and return its text: it is another block. */
  takeBack() {
    this.#removeText();
    return this.#raw.join("");
  }

  /** Remove the last line, which is the head of a table, and return it. What stands before it stays as a paragraph. */
  takeHead() {
    const raw = this.#raw.join("");
    const start = raw.lastIndexOf("\n") + 1;
    if (start === 0) return this.takeBack();
    if (this.#held.length < raw.length - start) {
      this.takeBack();
      this.#show(raw.slice(0, start));
    }
    this.#endText(false);
    return raw.slice(start);
  }

  /** @param {boolean} isCut whether the answer was cut off here */
  close(isCut) {
    if (this.#isDoubtful) this.#readAgain();
    this.#takeDefinitions(false);
    this.#showHeld();
    this.#endText(isCut);
  }

  /** @param {string} piece */
  #add(piece) {
    this.#raw.push(piece);
    this.#held += piece;
    if (this.#state === "definitions") this.#takeDefinitions(true);
    if (this.#state === "head" && this.#isNoHead()) this.#state = "text";
    if (this.#state === "text") this.#showHeld();
    else if (this.#state === "head") this.#showUpTo(this.#held.indexOf("|"));
  }

  /**
   * Take the definitions from the beginning of the text that is held.
   *
   * @param {boolean} isOpen whether more text may come
   */
  #takeDefinitions(isOpen) {
    while (this.#state === "definitions" && this.#held) {
      const found = this.#held[0] === "[" ? definitionAt(this.#held, isOpen) : null;
      if (found === WAIT && !this.#isTooLong()) return this.#preview();
      if (found === null || found === WAIT) {
        this.#isDoubtful = found === WAIT;
        this.#state = "head";
        this.#held = this.#held.slice(this.#previewed);
        return;
      }
      this.#hidePreview();
      this.#held = this.#held.slice(found.end);
      this.#raw = [this.#held];
      this.#line = this.#held;
      this.define(found);
    }
  }

  /** Show what may be a link as one, unless the definition of a label is awaited. At a colon after it, it is none. */
  #preview() {
    const label = this.#held.indexOf("]");
    const isDefined = label >= 0 && label + 1 < this.#held.length;
    const shown = label < 0 ? this.#held : this.#held.slice(0, label);
    if (isDefined) return this.#hidePreview();
    if (this.references.isAwaiting || shown.includes("\n") || shown.length === this.#previewed) return;
    this.#show(shown.slice(this.#previewed));
    this.#previewed = shown.length;
  }

  #hidePreview() {
    if (this.#previewed) this.#removeText();
    this.#previewed = 0;
    this.#hasText = false;
  }

  /** Remove the paragraph's text from the page. */
  #removeText() {
    this.#inline?.end(false);
    if (this.#inline) this.sink.drop();
    this.#inline = null;
  }

  #isTooLong() {
    return this.#held.length > MAX_HELD_DEFINITION || (this.#held.length > MAX_HELD_LABEL && !this.#held.slice(0, MAX_HELD_LABEL).includes("]"));
  }

  /** Return whether the current line is no head of a table, or too long to be held back until that is known. */
  #isNoHead() {
    const bar = this.#held.indexOf("|");
    if (bar < 0) return false;
    if (this.#held.length - bar > MAX_HELD_HEAD) return true;
    const isFirst = this.#line.trimStart().length >= this.#held.length - bar && this.#line.trimStart()[0] === "|";
    if (isFirst) return this.#line.length - this.#line.lastIndexOf("|") > MAX_HELD_CELL;
    return /[^\s|]\|[^\s|]|\|\|/.test(this.#line);
  }

  #showHeld() {
    this.#showUpTo(-1);
  }

  /** @param {number} end an index in the text that is held; -1 for all of it */
  #showUpTo(end) {
    const shown = end < 0 ? this.#held : this.#held.slice(0, end);
    this.#held = this.#held.slice(shown.length);
    if (shown) this.#show(shown);
  }

  /** @param {string} text */
  #show(text) {
    this.#hasText ||= text.trim() !== "";
    if (!this.#inline) {
      const open = () => this.sink.open("paragraph", {});
      open();
      this.#inline = new Inline(this.sink, this.references, () => (this.sink.drop(), open()));
    }
    this.#inline.feed(text);
  }

  /** @param {boolean} isCut */
  #endText(isCut) {
    this.#inline?.end(isCut);
    if (this.#inline) this.sink.close();
    this.#inline = null;
  }

  /** Look again for definitions in a text that was shown before it was known. */
  #readAgain() {
    const raw = this.#raw.join("");
    if (!definitionAt(raw, false)) return;
    this.takeBack();
    this.#raw = [raw];
    this.#held = raw;
    this.#state = "definitions";
  }
}
