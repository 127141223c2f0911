/**
 * Streaming Markdown: text that comes in pieces becomes operations on a tree, of which only the tail ever changes.
 *
 * Knows the blocks of an answer. Knows no DOM: a sink takes the operations, each on the innermost open node:
 *
 *   open(kind, attributes)   begin a node inside it: paragraph, heading, quote, list, item, fence, table, row, cell, rule,
 *                            and in text emphasis, strong, strike, code, link, break
 *   text(string)             append to it
 *   set(attributes)          tell what was not known when it was opened
 *   close()                  it is complete
 *   unwrap(literal)          it was none: `literal` and its content take its place
 *   drop()                   it was none: take it away, its text comes again as something else
 *
 * After every piece the tree is what a reader should see, and it does not depend on how the text was cut. HTML is text.
 * Indented code, reference links and footnotes are not read as such: models that mean code write fences.
 */

import { Fence, Heading, Paragraph } from "./leaf.js";
import { startOfLine, startOfLongLine } from "./line-start.js";
import { Table } from "./table.js";

/** Characters of a line's beginning that are held back, at most, until it is clear what the line is. */
const LONGEST_START = 400;

export class Markdown {
  constructor(sink) {
    this.sink = sink;
    this.boxes = [];
    this.leaf = null;
    this.line = null;
    this.held = "";
    this.blanks = 0;
  }

  /** Take the next piece of the answer. */
  feed(text) {
    for (let at = 0; at < text.length; ) {
      if (this.line) {
        const found = text.indexOf("\n", at);
        const end = found < 0 ? text.length : found;
        if (end > at) this.line.text(text.slice(at, end).replaceAll("\r", ""));
        if (found >= 0) this.#endLine();
        at = end + 1;
      } else {
        this.#hold(text[at++]);
      }
    }
  }

  /** The answer is complete; or `cut` off, and then what is unfinished stays as it looks. */
  end(cut = false) {
    if (this.held) this.#start(true);
    this.#closeLeaf(cut);
    this.#closeBoxes(0);
  }

  #hold(mark) {
    if (mark === "\n") {
      this.#start(true);
      this.#endLine();
    } else if (mark !== "\r") {
      this.held += mark;
      if (!this.#isBlankSoFar(mark)) this.#start(false);
    }
  }

  /** Blanks alone say nothing of what follows them, however many there are. */
  #isBlankSoFar(mark) {
    const isBlank = mark === " " || mark === "\t";
    this.blanks = isBlank ? (this.held.length === 1 ? 1 : this.blanks + 1) : 0;
    return this.blanks === this.held.length && this.held.length < LONGEST_START;
  }

  #start(whole) {
    const start =
      this.held.length < LONGEST_START || whole
        ? startOfLine(this.held, whole, this.boxes, this.leaf)
        : startOfLongLine(this.held, this.boxes, this.leaf);
    if (!start) return;
    if (start.kind === "no table") {
      this.#retype((text) => this.#paragraph(text));
      return this.#start(whole);
    }
    this.held = "";
    this.#apply(start);
  }

  #endLine() {
    const closes = this.line?.endLine();
    this.line = null;
    if (closes) this.#closeLeaf();
  }

  #apply(start) {
    switch (start.kind) {
      case "delimiters":
        if (this.leaf.kind !== "table") this.#retype((text) => this.#table(text));
        return this.leaf.confirm(start.rest);
      case "underline":
        return this.#retype((text) => this.#heading(start.rest[0] === "=" ? 1 : 2, text));
      case "end of fence":
        return this.#closeLeaf();
      case "fenced":
        this.leaf.startLine();
        return this.#goOn(start.rest);
      case "row":
        this.leaf.startRow();
        return this.#goOn(start.rest);
      case "text":
        // A paragraph goes on even where its line left out the marks of the boxes around it.
        if (this.leaf?.kind === "paragraph" && !start.opens.length) return this.#goOn(`\n${start.rest}`);
        break;
    }
    this.#closeLeaf();
    this.#closeBoxes(start.depth);
    for (const box of start.opens) this.#openBox(box);
    this.#openLeaf(start);
  }

  #openLeaf(start) {
    // A blank line ends no list: its next item may follow.
    if (start.kind === "blank") return;
    this.#leaveList();
    if (start.kind === "rule") {
      this.sink.open("rule", {});
      this.sink.close();
    }
    if (start.kind === "fence") this.leaf = new Fence(this.sink, start);
    if (start.kind === "heading") this.#heading(start.level, start.rest);
    if (start.kind === "table") this.#table(start.rest);
    if (start.kind === "text") this.#paragraph(start.rest);
    if (start.kind === "heading" || start.kind === "table" || start.kind === "text") this.line = this.leaf;
  }

  #paragraph(text) {
    this.leaf = new Paragraph(this.sink);
    this.leaf.text(text);
  }

  #heading(level, text) {
    this.leaf = new Heading(this.sink, level);
    this.leaf.text(text);
  }

  #table(text) {
    this.leaf = new Table(this.sink);
    this.leaf.text(text);
  }

  #goOn(text) {
    this.line = this.leaf;
    if (text) this.line.text(text);
  }

  /** What the leaf was taken for is wrong: give its text to the `right` one. */
  #retype(right) {
    right(this.leaf.takeBack());
    if (this.leaf.endLine()) this.#closeLeaf();
  }

  #openBox({ kind, key, number, width, task }) {
    if (kind === "quote") {
      this.#leaveList();
      this.boxes.push({ kind });
      return this.sink.open("quote", {});
    }
    if (this.boxes.at(-1)?.key !== key) this.#leaveList();
    if (this.boxes.at(-1)?.kind !== "list") {
      this.boxes.push({ kind: "list", key });
      this.sink.open("list", { ordered: number !== null, start: number ?? 1 });
    }
    this.boxes.push({ kind: "item", key, width });
    this.sink.open("item", { task });
  }

  #leaveList() {
    if (this.boxes.at(-1)?.kind === "list") this.#closeBoxes(this.boxes.length - 1);
  }

  #closeLeaf(cut = false) {
    if (this.leaf?.kind === "table" && !this.leaf.confirmed && !cut) this.#retype((text) => this.#paragraph(text));
    const { leaf } = this;
    this.leaf = null;
    this.line = null;
    leaf?.close(cut);
  }

  #closeBoxes(depth) {
    while (this.boxes.length > depth) {
      this.boxes.pop();
      this.sink.close();
    }
  }
}
