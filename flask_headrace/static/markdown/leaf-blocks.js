/**
 * The leaf blocks, which hold text: paragraph, heading, fence. (A table is in table.js.)
 *
 * Each takes its own text piece by piece, and closes itself. None knows where a line begins, nor what contains it.
 */

import { Inline } from "./inline.js";

/** @import { MarkdownSink } from "./operations.js" */

/** A paragraph. It may turn out to be a heading or the head of a table. */
export class Paragraph {
  kind = /** @type {const} */ ("paragraph");
  /** The whole text, for when it turns out to be another block. */
  raw = "";
  /** Whether a line of dashes and bars below would make this a table's head: it has bars, and one line so far. */
  couldBeTableHead = false;
  hasLineBreak = false;

  /** @param {MarkdownSink} sink */
  constructor(sink) {
    this.sink = sink;
    this.inline = new Inline(sink);
    sink.open("paragraph", {});
  }

  /** @param {string} piece the next text, line breaks included */
  text(piece) {
    // Each piece is searched once: searching the whole text at each line would be quadratic.
    this.raw += piece;
    this.hasLineBreak ||= piece.includes("\n");
    this.couldBeTableHead = !this.hasLineBreak && (this.couldBeTableHead || piece.includes("|"));
    this.inline.feed(piece);
  }

  /** End the current line, and return whether that closes the block. */
  endLine() {
    return false;
  }

  /** Remove the paragraph, and return its text: it is another block. */
  takeBack() {
    this.inline.end();
    this.sink.drop();
    return this.raw;
  }

  /** @param {boolean} isCut whether the answer was cut off here */
  close(isCut) {
    this.inline.end(isCut);
    this.sink.close();
  }
}

/** A heading that is written with number signs. */
export class Heading {
  kind = /** @type {const} */ ("heading");
  /** Marks at the end of the text so far, which are no text if the line ends with them. */
  tail = "";
  isAfterBlank = true;

  /**
   * @param {MarkdownSink} sink
   * @param {number} level 1 to 6
   */
  constructor(sink, level) {
    this.sink = sink;
    this.inline = new Inline(sink);
    sink.open("heading", { level });
  }

  /** @param {string} piece the next text; in "## Title ##", `tail` holds the last marks back */
  text(piece) {
    for (const token of piece.match(/[ \t]+|#+|[^ \t#]+/g) ?? []) {
      const isBlank = token[0] === " " || token[0] === "\t";
      if (this.tail ? isBlank || token[0] === "#" : token[0] === "#" && this.isAfterBlank) {
        this.tail += token;
      } else {
        this.inline.feed(this.tail + token);
        this.tail = "";
      }
      this.isAfterBlank = isBlank;
    }
  }

  /** End the current line, and return whether that closes the block. */
  endLine() {
    return true;
  }

  /** @param {boolean} isCut whether the answer was cut off here */
  close(isCut) {
    const tail = this.tail.trimEnd();
    this.inline.feed(tail.slice(0, tail.lastIndexOf(" ") + 1));
    this.inline.end(isCut);
    this.sink.close();
  }
}

/** A block of code between lines of backticks or tildes. */
export class Fence {
  kind = /** @type {const} */ ("fence");
  lines = 0;

  /**
   * @param {MarkdownSink} sink
   * @param {{mark: string, indent: number, language: string}} start `mark` is the run of backticks or tildes that opens the
   *   fence, `indent` the columns before it
   */
  constructor(sink, { mark, indent, language }) {
    this.sink = sink;
    this.mark = mark;
    this.indent = indent;
    sink.open("fence", { language });
  }

  /** Begin a line. Its line break comes before it rather than after, so that no empty line stands below the code. */
  startLine() {
    if (this.lines++) this.sink.text("\n");
  }

  /** @param {string} piece the next code of the line */
  text(piece) {
    this.sink.text(piece);
  }

  /** End the current line, and return whether that closes the block. */
  endLine() {
    return false;
  }

  /** End the block. */
  close() {
    this.sink.close();
  }
}
