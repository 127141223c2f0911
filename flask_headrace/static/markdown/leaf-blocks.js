/**
 * The blocks that hold text: paragraph, heading, fence. (A table is in table.js.)
 *
 * Each knows how to take its own text, piece by piece, and how it closes. None knows where a line begins, nor what it
 * stands in.
 */

import { Inline } from "./inline.js";

export class Paragraph {
  kind = "paragraph";

  constructor(sink) {
    this.sink = sink;
    this.raw = "";
    /** A line of dashes and bars below it makes it a table's head: it has bars, and one line so far. */
    this.couldHead = false;
    this.hasLines = false;
    this.inline = new Inline(sink);
    sink.open("paragraph", {});
  }

  text(piece) {
    // Looked for as it comes: the whole would be looked through anew at each line.
    this.raw += piece;
    this.hasLines ||= piece.includes("\n");
    this.couldHead = !this.hasLines && (this.couldHead || piece.includes("|"));
    this.inline.feed(piece);
  }

  endLine() {
    return false;
  }

  /** It was something else: take it back, and return what was written. */
  takeBack() {
    this.inline.end();
    this.sink.drop();
    return this.raw;
  }

  close(cut) {
    this.inline.end(cut);
    this.sink.close();
  }
}

export class Heading {
  kind = "heading";

  constructor(sink, level) {
    this.sink = sink;
    this.tail = "";
    this.afterBlank = true;
    this.inline = new Inline(sink);
    sink.open("heading", { level });
  }

  /** "## Title ##": marks after a blank are held in `tail` until it is known whether the line ends with them. */
  text(piece) {
    for (const token of piece.match(/[ \t]+|#+|[^ \t#]+/g) ?? []) {
      const blank = token[0] === " " || token[0] === "\t";
      if (this.tail ? blank || token[0] === "#" : token[0] === "#" && this.afterBlank) {
        this.tail += token;
      } else {
        this.inline.feed(this.tail + token);
        this.tail = "";
      }
      this.afterBlank = blank;
    }
  }

  endLine() {
    return true;
  }

  close(cut) {
    const tail = this.tail.trimEnd();
    this.inline.feed(tail.slice(0, tail.lastIndexOf(" ") + 1));
    this.inline.end(cut);
    this.sink.close();
  }
}

export class Fence {
  kind = "fence";

  constructor(sink, { mark, indent, language }) {
    Object.assign(this, { sink, mark, indent, lines: 0 });
    sink.open("fence", { language });
  }

  /** The line end is written with the line that follows it, so no empty line hangs below the code. */
  startLine() {
    if (this.lines++) this.sink.text("\n");
  }

  text(piece) {
    this.sink.text(piece);
  }

  endLine() {
    return false;
  }

  close() {
    this.sink.close();
  }
}
