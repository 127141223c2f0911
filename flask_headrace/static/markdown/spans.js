/**
 * The open spans inside one block (emphasis, code, links), and the text on its way to the sink.
 *
 * Knows the stack of open spans, and the blanks that wait for what follows them. Does not read Markdown (inline.js does).
 */

/** @import { MarkdownSink } from "./operations.js" */

/**
 * An open span.
 *
 * @typedef {object} Span
 * @property {SpanKind} kind
 * @property {string} literal the text it began with, which comes back if it turns out to be no span
 * @property {boolean} hasContent
 * @property {boolean} isInactive whether it can no longer become a link, because it holds one
 * @property {number} [runLength] marks of the run that opened it
 * @property {string} [padding] a blank at the end of a code span so far, which is not shown if the span ends there
 *
 * @typedef {"emphasis" | "strong" | "strike" | "code" | "link"} SpanKind
 */

/** Most spans inside each other: browsers lay out deep trees slowly, or not at all. */
export const MAX_DEPTH = 8;

/** The stack of open spans in one block. Text is gathered, and passed on when a span opens or ends. */
export class Spans {
  /** @type {Span[]} The open spans, outermost first. */
  open = [];
  /** The last character that is on its way, or the last mark; "" at the start of the block. */
  lastCharacter = "";
  #text = "";
  #blanks = 0;
  /** @type {"" | "soft" | "hard"} */
  #lineBreak = "";

  /** @param {MarkdownSink} sink */
  constructor(sink) {
    this.sink = sink;
  }

  /** The innermost open span. */
  get top() {
    return this.open.at(-1);
  }

  /** The character before the next one, for the rules of emphasis; "" at the start of the block. */
  get previousCharacter() {
    return this.#lineBreak || this.#blanks ? " " : this.lastCharacter;
  }

  /** Whether a link is open, or what may become one. */
  get isInLink() {
    return this.open.some((span) => span.kind === "link" && !span.isInactive);
  }

  /**
   * Return whether so many more spans may be opened.
   *
   * @param {number} count
   */
  hasRoom(count) {
    return this.open.length + count <= MAX_DEPTH;
  }

  /** Add a blank. It is written when text follows in the same line. */
  space() {
    this.#blanks++;
  }

  /**
   * End the line.
   *
   * @param {boolean} [isHard] whether the text breaks here on the page: after a backslash, or after two blanks
   */
  endLine(isHard = this.#blanks >= 2) {
    this.#lineBreak = isHard ? "hard" : "soft";
    this.#blanks = 0;
  }

  /**
   * Add text, after the blanks and line ends before it, and return its length.
   *
   * @param {string} text
   */
  text(text) {
    this.#writeBlanks();
    this.write(text);
    this.lastCharacter = text.at(-1) ?? "";
    return text.length;
  }

  /**
   * Add text as it is, its own blanks included.
   *
   * @param {string} text
   */
  write(text) {
    if (text && this.top) this.top.hasContent = true;
    this.#text += text;
  }

  /**
   * Open a span.
   *
   * @param {SpanKind} kind
   * @param {string} literal see Span
   * @param {Partial<Span>} [more]
   */
  push(kind, literal, more = {}) {
    this.#writeBlanks();
    this.flush();
    this.open.push({ kind, literal, hasContent: false, isInactive: false, ...more });
    this.sink.open(kind, {});
    this.lastCharacter = literal.at(-1) ?? this.lastCharacter;
  }

  /** Add a line break that is shown. */
  breakLine() {
    this.#writeBlanks();
    this.#writeBreak();
  }

  /**
   * Close an open span. The spans inside it turn out to be none.
   *
   * @param {Span} [span] the innermost one by default
   */
  close(span = this.top) {
    this.revertTo(span);
    this.flush();
    this.open.pop();
    this.sink.close();
    if (this.top) this.top.hasContent = true;
  }

  /**
   * Turn all spans inside of an open one back into text.
   *
   * @param {Span | undefined} span
   */
  revertTo(span) {
    while (this.top && this.top !== span) this.unwrap(this.top.literal);
  }

  /**
   * Dissolve the innermost span: `literal` and its content take its place.
   *
   * @param {string} literal
   */
  unwrap(literal) {
    this.flush();
    const padding = this.open.pop()?.padding ?? "";
    this.sink.unwrap(literal);
    this.#text += padding;
  }

  /**
   * Close the innermost span as a link. Links hold no links, so the spans around it cannot become links any more.
   *
   * @param {string} href
   * @param {string} [title]
   */
  closeLink(href, title = "") {
    this.flush();
    this.sink.set({ href, title });
    this.close();
    for (const span of this.open) span.isInactive ||= span.kind === "link";
  }

  /**
   * Close the block.
   *
   * @param {boolean} isCut whether the answer was cut off: open emphasis then stays, instead of becoming text again
   */
  end(isCut) {
    while (this.top) {
      const { top } = this;
      if (!isCut) this.unwrap(top.literal);
      else if (top.kind === "link") this.unwrap("");
      else this.close();
    }
    this.flush();
  }

  /** Pass the text on to the sink. */
  flush() {
    if (this.#text) this.sink.text(this.#text);
    this.#text = "";
  }

  #writeBlanks() {
    if (this.#lineBreak === "hard") this.#writeBreak();
    else if (this.#lineBreak) this.#text += "\n";
    else if (this.lastCharacter) this.#text += " ".repeat(this.#blanks);
    this.#lineBreak = "";
    this.#blanks = 0;
  }

  #writeBreak() {
    this.flush();
    this.sink.open("break", {});
    this.sink.close();
    this.lastCharacter = " ";
  }
}
