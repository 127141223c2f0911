/**
 * A formula in lines of its own, between `$$` and `$$` or `\[` and `\]`.
 */

/** @import { MarkdownSink } from "./operations.js" */

/** A formula. It may turn out to be none: then its text is a paragraph. */
export class MathBlock {
  kind = /** @type {const} */ ("math");
  /** The text so far, in pieces, for when it is no formula. @type {string[]} */
  raw = [];
  /** The end of the text, which may belong to the closing mark, or be blanks before it. */
  held = "";
  /** What stands after the closing mark; null before it. @type {string | null} */
  after = null;
  hasText = false;

  /**
   * @param {MarkdownSink} sink
   * @param {string} text the text that it begins with, its mark included
   */
  constructor(sink, text) {
    this.sink = sink;
    this.end = text.startsWith("$$") ? "$$" : "\\]";
    this.raw.push(text.slice(0, 2));
    sink.open("math", { display: true });
  }

  /** Begin a line after the first one. */
  startLine() {
    this.text("\n");
  }

  /** @param {string} piece the next text of the formula */
  text(piece) {
    this.raw.push(piece);
    if (this.after !== null) {
      this.after += piece;
      return;
    }
    const text = this.held + piece;
    const end = this.#endIn(text);
    const tex = end < 0 ? text : text.slice(0, end);
    const kept = end < 0 ? tex.replace(/[\s$\\]+$/, "") : tex.trimEnd();
    this.held = end < 0 ? text.slice(kept.length) : "";
    if (end >= 0) this.after = text.slice(end + 2);
    const shown = this.hasText ? kept : kept.trimStart();
    if (!shown) return;
    this.hasText = true;
    this.sink.text(shown);
  }

  /** Whether it is a formula, as far as it has come, and complete. */
  get isComplete() {
    return this.hasText && this.after !== null && !this.after.trim();
  }

  /** End the current line, and return whether that closes the block. */
  endLine() {
    return this.after !== null;
  }

  /** Remove the formula, and return its text: it is none. */
  takeBack() {
    this.sink.drop();
    return this.raw.join("");
  }

  /** End the block. */
  close() {
    this.sink.close();
  }

  /**
   * Return where the closing mark stands; -1 where it does not.
   *
   * @param {string} text
   */
  #endIn(text) {
    // "\\]" ends nothing: it is a line break before a bracket.
    for (const { 0: found, index } of text.matchAll(/\\[^]|\$\$/g)) if (found === this.end) return index;
    return -1;
  }
}
