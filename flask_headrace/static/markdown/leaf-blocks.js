/**
 * The leaf blocks, which hold text: heading, code, formula, summary. (Paragraphs and tables have files of their own.)
 *
 * Each takes its own text piece by piece, and closes itself. None knows where a line begins, nor what contains it.
 */

import { Inline } from "./inline.js";

/** @import { MarkdownSink } from "./operations.js" */
/** @import { References } from "./references.js" */

/** A heading. */
export class Heading {
  kind = /** @type {const} */ ("heading");
  /** Marks at the end of the text so far, which are no text if the line ends with them. */
  tail = "";
  isAfterBlank = true;
  isEmpty = true;

  /**
   * @param {MarkdownSink} sink
   * @param {References} references
   * @param {number} level 1 to 6
   */
  constructor(sink, references, level) {
    this.sink = sink;
    const open = () => sink.open("heading", { level });
    open();
    this.inline = new Inline(sink, references, () => (sink.drop(), open()));
  }

  /** @param {string} piece the next text; in "## Title ##", `tail` holds the last marks back */
  text(piece) {
    const rest = this.isEmpty ? piece.replace(/^[ \t]+/, "") : piece;
    if (rest) this.isEmpty = false;
    for (const token of rest.match(/[ \t]+|#+|[^ \t#]+/g) ?? []) {
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

  /** @param {string} text Take the whole text of a heading that is underlined. */
  takeUnderlined(text) {
    this.inline.feed(text);
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

/** A block of code that is indented. Blank lines belong to it when code follows. */
export class IndentedCode {
  kind = /** @type {const} */ ("indented");
  /** The blank lines, and the blanks of the current one, that belong to the code if more of it follows. */
  held = "";
  hasText = false;
  /** Whether the current line has only blanks so far. */
  isBlank = true;

  /** @param {MarkdownSink} sink */
  constructor(sink) {
    this.sink = sink;
    sink.open("fence", { language: "" });
  }

  /** Begin a line. */
  startLine() {
    if (this.hasText) this.held += "\n";
    this.isBlank = true;
  }

  /** @param {string} piece the next code of the line */
  text(piece) {
    this.isBlank &&= !/[^ \t]/.test(piece);
    if (this.isBlank) {
      if (this.hasText) this.held += piece;
      return;
    }
    this.sink.text(this.held + piece);
    this.hasText = true;
    this.held = "";
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

/** The line of `details` that is always shown. It reaches to its closing tag. */
export class Summary {
  kind = /** @type {const} */ ("summary");
  held = "";
  isEmpty = true;
  isEnded = false;

  /**
   * @param {MarkdownSink} sink
   * @param {References} references
   */
  constructor(sink, references) {
    this.sink = sink;
    const open = () => sink.open("summary", {});
    open();
    this.inline = new Inline(sink, references, () => (sink.drop(), open()));
  }

  /** Begin a line after the first one. */
  startLine() {
    this.text("\n");
  }

  /** @param {string} piece what stands after the closing tag in its line is not shown */
  text(piece) {
    if (this.isEnded) return;
    const text = this.isEmpty ? (this.held + piece).replace(/^[ \t\n]+/, "") : this.held + piece;
    const end = text.search(/<\/summary>/i);
    const tag = /<(?:\/(?:s(?:u(?:m(?:m(?:a(?:ry?)?)?)?)?)?)?)?$/i.exec(text)?.[0] ?? "";
    this.isEnded = end >= 0;
    const shown = end < 0 ? text.slice(0, text.length - tag.length) : text.slice(0, end);
    this.held = end < 0 ? tag : "";
    if (!shown) return;
    this.isEmpty = false;
    this.inline.feed(shown);
  }

  /** End the current line, and return whether that closes the block. */
  endLine() {
    return this.isEnded;
  }

  /** @param {boolean} isCut whether the answer was cut off here */
  close(isCut) {
    this.inline.end(isCut);
    this.sink.close();
  }
}
