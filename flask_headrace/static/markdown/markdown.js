/**
 * Streaming Markdown: text that comes in pieces becomes operations on a tree, of which only the end ever changes.
 *
 * After every piece the tree is what a reader should see, and it does not depend on how the text was cut. HTML is text.
 * Indented code, reference links and footnotes are not supported: models that mean code write fences.
 *
 * Knows the blocks of an answer. Does not know the DOM: a sink receives the operations, which operations.js lists.
 */

import { Fence, Heading, Paragraph } from "./leaf-blocks.js";
import { startOfLine, startOfLongLine } from "./line-start.js";
import { Table } from "./table.js";

/** @import { Container, Leaf, LineStart, NewContainer } from "./line-start.js" */
/** @import { MarkdownSink } from "./operations.js" */

/** Most characters of a line's beginning that are held back until it is clear what the line is. */
const MAX_START_LENGTH = 400;

/** Reads one answer, piece by piece, and passes its blocks on as operations. */
export class Markdown {
  /** @param {MarkdownSink} sink receives the operations */
  constructor(sink) {
    this.sink = sink;
    /** @type {Container[]} The open container blocks, outermost first. */
    this.containers = [];
    /** @type {Leaf | null} The open leaf block, in the innermost container. */
    this.leaf = null;
    /** @type {Leaf | null} The leaf block that takes the rest of the current line; null before the line's start is read. */
    this.line = null;
    /** The beginning of the current line, held back. */
    this.held = "";
    this.heldBlanks = 0;
  }

  /**
   * Read the next piece of the answer.
   *
   * @param {string} text
   */
  feed(text) {
    for (let index = 0; index < text.length; ) {
      if (this.line) {
        const found = text.indexOf("\n", index);
        const end = found < 0 ? text.length : found;
        if (end > index) this.line.text(text.slice(index, end).replaceAll("\r", ""));
        if (found >= 0) this.#endLine();
        index = end + 1;
      } else {
        this.#hold(text[index++]);
      }
    }
  }

  /**
   * End the answer.
   *
   * @param {boolean} [isCut] whether the answer was cut off: what is unfinished then stays as it looks
   */
  end(isCut = false) {
    if (this.held) this.#start(true);
    this.#closeLeaf(isCut);
    this.#closeContainers(0);
  }

  /** @param {string} character */
  #hold(character) {
    if (character === "\n") {
      this.#start(true);
      this.#endLine();
    } else if (character !== "\r") {
      this.held += character;
      if (!this.#isBlankSoFar(character)) this.#start(false);
    }
  }

  /**
   * Return whether the line has only blanks so far, which decide nothing, however many there are.
   *
   * @param {string} character the last one of the line
   */
  #isBlankSoFar(character) {
    const isBlank = character === " " || character === "\t";
    this.heldBlanks = isBlank ? (this.held.length === 1 ? 1 : this.heldBlanks + 1) : 0;
    return this.heldBlanks === this.held.length && this.held.length < MAX_START_LENGTH;
  }

  /**
   * Begin the line, if the held beginning decides what it is.
   *
   * @param {boolean} isWhole whether the line's end was reached
   */
  #start(isWhole) {
    const start =
      this.held.length < MAX_START_LENGTH || isWhole
        ? startOfLine(this.held, isWhole, this.containers, this.leaf)
        : startOfLongLine(this.held, this.containers, this.leaf);
    if (!start) return;
    if (start.kind === "no table") {
      this.#retype((text) => this.#openParagraph(text));
      this.#start(isWhole);
      return;
    }
    this.held = "";
    this.#apply(start);
  }

  #endLine() {
    const closes = this.line?.endLine();
    this.line = null;
    if (closes) this.#closeLeaf();
  }

  /** @param {LineStart} start */
  #apply(start) {
    const { leaf } = this;
    switch (start.kind) {
      case "delimiters":
        if (leaf?.kind !== "table") this.#retype((text) => this.#openTable(text));
        if (this.leaf?.kind === "table") this.leaf.confirm(start.rest);
        return;
      case "underline":
        return this.#retype((text) => this.#openHeading(start.rest[0] === "=" ? 1 : 2, text));
      case "end of fence":
        return this.#closeLeaf();
      case "fenced":
        if (leaf?.kind === "fence") leaf.startLine();
        return this.#continueLeaf(start.rest);
      case "row":
        if (leaf?.kind === "table") leaf.startRow();
        return this.#continueLeaf(start.rest);
      case "text":
        // A paragraph goes on even where its line lacks the marks of the containers around it.
        if (leaf?.kind === "paragraph" && !start.opens.length) return this.#continueLeaf(`\n${start.rest}`);
        break;
    }
    this.#closeLeaf();
    this.#closeContainers(start.depth);
    for (const container of start.opens) this.#openContainer(container);
    this.#openLeaf(start);
  }

  /** @param {LineStart} start */
  #openLeaf(start) {
    // A blank line ends no list: its next item may follow.
    if (start.kind === "blank") return;
    this.#leaveList();
    if (start.kind === "rule") {
      this.sink.open("rule", {});
      this.sink.close();
    }
    if (start.kind === "fence") this.leaf = new Fence(this.sink, start);
    if (start.kind === "heading") this.#openHeading(start.level, start.rest);
    if (start.kind === "table") this.#openTable(start.rest);
    if (start.kind === "text") this.#openParagraph(start.rest);
    if (start.kind === "heading" || start.kind === "table" || start.kind === "text") this.line = this.leaf;
  }

  /** @param {string} text */
  #openParagraph(text) {
    this.leaf = new Paragraph(this.sink);
    this.leaf.text(text);
  }

  /** @type {(level: number, text: string) => void} */
  #openHeading(level, text) {
    this.leaf = new Heading(this.sink, level);
    this.leaf.text(text);
  }

  /** @param {string} text */
  #openTable(text) {
    this.leaf = new Table(this.sink);
    this.leaf.text(text);
  }

  /** @param {string} text */
  #continueLeaf(text) {
    this.line = this.leaf;
    if (text) this.line?.text(text);
  }

  /**
   * Replace a leaf block that turned out to be of another kind.
   *
   * @param {(text: string) => void} open opens the right block with the text of the wrong one
   */
  #retype(open) {
    const { leaf } = this;
    if (leaf?.kind !== "paragraph" && leaf?.kind !== "table") return;
    open(leaf.takeBack());
    if (this.leaf?.endLine()) this.#closeLeaf();
  }

  /** @param {NewContainer} container */
  #openContainer(container) {
    if (container.kind === "quote") {
      this.#leaveList();
      this.containers.push({ kind: "quote" });
      return this.sink.open("quote", {});
    }
    const { key, number, width, task } = container;
    const innermost = this.containers.at(-1);
    if (innermost?.kind !== "list" || innermost.key !== key) this.#openList(key, number);
    this.containers.push({ kind: "item", key, width });
    this.sink.open("item", { task });
  }

  /** @type {(key: string, number: number | null) => void} */
  #openList(key, number) {
    this.#leaveList();
    this.containers.push({ kind: "list", key });
    this.sink.open("list", { ordered: number !== null, start: number ?? 1 });
  }

  #leaveList() {
    if (this.containers.at(-1)?.kind === "list") this.#closeContainers(this.containers.length - 1);
  }

  #closeLeaf(isCut = false) {
    if (this.leaf?.kind === "table" && !this.leaf.isConfirmed && !isCut) this.#retype((text) => this.#openParagraph(text));
    const { leaf } = this;
    this.leaf = null;
    this.line = null;
    leaf?.close(isCut);
  }

  /** @param {number} depth how many containers stay open */
  #closeContainers(depth) {
    while (this.containers.length > depth) {
      this.containers.pop();
      this.sink.close();
    }
  }
}
