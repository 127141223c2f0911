/**
 * Streaming Markdown: text that comes in pieces becomes operations on a tree, of which only the end ever changes.
 *
 * After every piece the tree is what a reader should see, and at the end it is the one that the whole text has, however it was
 * cut. CommonMark 0.31 with GFM's tables, strikethrough, task lists and addresses, formulas, and a few HTML tags (html-tag.js;
 * `details` and `summary` as blocks); any other HTML is text.
 *
 * Knows the blocks of an answer. Does not know the DOM: a sink receives the operations, which operations.js lists.
 */

import { Containers } from "./containers.js";
import { Fence, Heading, IndentedCode, Summary } from "./leaf-blocks.js";
import { Inline } from "./inline.js";
import { startOfLine, startOfLongLine } from "./line-start.js";
import { MathBlock } from "./math-block.js";
import { Paragraph } from "./paragraph.js";
import { References } from "./references.js";
import { Table } from "./table.js";

/** @import { LineStart } from "./line-continuation.js" */
/** @import { MarkdownSink } from "./operations.js" */
/** @import { Definition } from "./paragraph.js" */
/** @import { KeptBlock } from "./references.js" */

/** @typedef {Paragraph | Heading | Fence | IndentedCode | MathBlock | Summary | Table} Leaf */

/** Most characters of a line's beginning that are held back until it is clear what the line is. */
const MAX_START_LENGTH = 400;

/** Reads one answer, piece by piece, and passes its blocks on as operations. */
export class Markdown {
  /**
   * @param {MarkdownSink} sink receives the operations
   * @param {{safeHref?: (address: string) => string | null}} [options] `safeHref` returns the address of a link as it may be
   *   followed, and null for one that is shown as text; by default that of link.js
   */
  constructor(sink, { safeHref } = {}) {
    this.sink = sink;
    this.references = new References(safeHref);
    this.containers = new Containers(sink);
    /** @type {Leaf | null} The open leaf block, in the innermost container. */
    this.leaf = null;
    /** @type {Leaf | null} The leaf block that takes the rest of the current line; null before the line's start is read. */
    this.line = null;
    /** Whether the rest of the current line is not shown. */
    this.isSkipping = false;
    /** The beginning of the current line, held back. */
    this.held = "";
    /** Whether that has only blanks. */
    this.isBlank = true;
    this.wasCarriageReturn = false;
  }

  /**
   * Read the next piece of the answer.
   *
   * @param {string} text
   */
  feed(text) {
    const clean = this.#withoutReturns(text);
    for (let index = 0; index < clean.length; ) {
      const found = clean.indexOf("\n", index);
      const end = found < 0 ? clean.length : found;
      if (this.line) {
        if (end > index) this.line.text(clean.slice(index, end));
      } else if (!this.isSkipping) this.#hold(clean.slice(index, end), found >= 0);
      if (found >= 0) this.#endLine();
      index = end + 1;
    }
  }

  /**
   * End the answer.
   *
   * @param {boolean} [isCut] whether the answer was cut off: what is unfinished then stays as it looks
   */
  end(isCut = false) {
    if (this.held) this.#start(this.held, true);
    this.#closeLeaf(isCut);
    this.containers.closeTo(0);
    for (const block of this.references.complete()) this.#readAgain(block);
  }

  /**
   * Return a piece with each end of a line as one "\n".
   *
   * @param {string} text
   */
  #withoutReturns(text) {
    const isSplit = this.wasCarriageReturn && text[0] === "\n";
    if (text) this.wasCarriageReturn = text.endsWith("\r");
    const rest = isSplit ? text.slice(1) : text;
    return (rest.includes("\r") ? rest.replace(/\r\n?/g, "\n") : rest).replaceAll("\0", "\ufffd");
  }

  /**
   * Add to the beginning of the line, and begin the line if that decides what it is.
   *
   * @type {(piece: string, isWhole: boolean) => void}
   */
  #hold(piece, isWhole) {
    this.isBlank = !/[^ \t]/.test(piece) && (this.isBlank || !this.held);
    this.held += piece;
    // Blanks decide nothing, however many there are.
    if (isWhole || !this.isBlank) this.#start(this.held, isWhole);
  }

  /** @type {(text: string, isWhole: boolean) => void} */
  #start(text, isWhole) {
    const isLong = text.length >= MAX_START_LENGTH && !this.isBlank;
    const first = isLong ? text.slice(0, MAX_START_LENGTH) : text;
    const start = startOfLine(first, isWhole && !isLong, this.containers.open, this.leaf) ?? (isLong ? startOfLongLine(first, this.containers.open, this.leaf) : null);
    if (!start) return;
    if (start.kind === "no table") {
      this.#retype((raw) => this.#openParagraph(raw));
      return this.#start(text, isWhole);
    }
    this.held = "";
    this.#apply(start);
    if (isLong && this.line) this.line.text(text.slice(MAX_START_LENGTH));
  }

  #endLine() {
    const { line } = this;
    this.line = null;
    this.isSkipping = false;
    if (line?.endLine()) this.#closeLeaf();
  }

  /** @param {LineStart} start */
  #apply(start) {
    const { leaf } = this;
    switch (start.kind) {
      case "delimiters":
        return this.#confirmTable(start.rest);
      case "underline":
        return this.#retype((text) => this.#openUnderlined(start.rest[0] === "=" ? 1 : 2, text));
      case "end of fence":
        this.isSkipping = true;
        return this.#closeLeaf();
      case "more":
      case "row":
        return this.#continueLeaf(leaf, start.rest);
      case "text":
        // A paragraph goes on even where its line lacks the marks of the containers around it.
        if (leaf?.kind === "paragraph" && !start.opens.length) return this.#continueLeaf(leaf, start.rest);
    }
    this.#closeLeaf();
    this.containers.closeTo(start.depth);
    if (start.kind === "end of details") {
      this.isSkipping = true;
      return;
    }
    for (const container of start.opens) this.containers.add(container);
    if (start.kind === "blank") this.containers.noteGap(start.opens.length > 0);
    else this.#openLeaf(start);
  }

  /** @param {LineStart} start */
  #openLeaf(start) {
    this.containers.noteChild();
    const { sink, references } = this;
    switch (start.kind) {
      case "rule":
        sink.open("rule", {});
        sink.close();
        this.isSkipping = true;
        return;
      case "fence":
        this.leaf = new Fence(sink, start);
        this.isSkipping = true;
        return;
      case "indented":
        return this.#begin(new IndentedCode(sink), start.rest);
      case "heading":
        return this.#begin(new Heading(sink, references, start.level), start.rest);
      case "table":
        return this.#begin(new Table(sink, references), start.rest);
      case "math":
        return this.#begin(new MathBlock(sink, start.rest), start.rest.slice(2));
      case "summary":
        return this.#begin(new Summary(sink, references), start.rest);
      default:
        return this.#begin(this.#paragraph(), start.rest);
    }
  }

  /** @type {(leaf: Leaf, text: string) => void} */
  #begin(leaf, text) {
    this.leaf = leaf;
    this.line = leaf;
    if (text) leaf.text(text);
  }

  #paragraph() {
    return new Paragraph(this.sink, this.references, (definition) => this.#define(definition));
  }

  /** @param {string} text */
  #openParagraph(text) {
    this.leaf = this.#paragraph();
    this.leaf.text(text);
  }

  /** @type {(level: number, text: string) => void} */
  #openUnderlined(level, text) {
    const heading = new Heading(this.sink, this.references, level);
    heading.takeUnderlined(text);
    heading.close(false);
    this.leaf = null;
    this.isSkipping = true;
  }

  /** @param {string} delimiters */
  #confirmTable(delimiters) {
    const { leaf } = this;
    this.isSkipping = true;
    if (leaf?.kind === "paragraph") {
      const head = leaf.takeHead();
      const table = new Table(this.sink, this.references);
      table.text(head);
      table.endLine();
      table.confirm(delimiters);
      this.leaf = table;
    } else if (leaf?.kind === "table") leaf.confirm(delimiters);
  }

  /** @type {(leaf: Leaf | null, text: string) => void} */
  #continueLeaf(leaf, text) {
    this.line = leaf;
    if (!leaf || leaf.kind === "heading") return;
    leaf.startLine();
    if (text) leaf.text(text);
  }

  /**
   * Replace a leaf block that turned out to be of another kind.
   *
   * @param {(text: string) => void} open opens the right block with the text of the wrong one
   */
  #retype(open) {
    const { leaf } = this;
    if (leaf?.kind === "paragraph" || leaf?.kind === "table" || leaf?.kind === "math") open(leaf.takeBack());
  }

  #closeLeaf(isCut = false) {
    const isUnconfirmed = this.leaf?.kind === "table" && !this.leaf.isConfirmed;
    const isNoFormula = this.leaf?.kind === "math" && !this.leaf.isComplete;
    if ((isUnconfirmed || isNoFormula) && !isCut) this.#retype((text) => this.#openParagraph(text));
    const { leaf } = this;
    this.leaf = null;
    this.line = null;
    leaf?.close(isCut);
  }

  /** @param {Definition} definition */
  #define({ label, href, title }) {
    for (const block of this.references.define(label, { href, title })) this.#readAgain(block);
  }

  /**
   * Let the content of a closed block come again: its references can be resolved now, or never will be.
   *
   * @param {KeptBlock} block
   */
  #readAgain(block) {
    this.sink.open("again", { id: block.id });
    const inline = new Inline(this.sink, this.references, () => (this.sink.drop(), this.sink.open("again", { id: block.id })));
    inline.readAgain(block);
    this.sink.close();
  }
}
