/**
 * One line as far as it has come, read from its beginning, column by column.
 *
 * A tab reaches to the next column that is a multiple of four, and may belong partly to a container and partly to its content.
 */

import { matchAt } from "./match.js";

/** Columns between two tab stops. */
const TAB = 4;

/** A place in a line. */
export class Line {
  index = 0;
  column = 0;
  /** Columns of the tab at `index` that were read already. */
  #spent = 0;

  /**
   * @param {string} text
   * @param {boolean} isWhole whether the line's end was reached
   */
  constructor(text, isWhole) {
    this.text = text;
    this.isWhole = isWhole;
  }

  /** The index of the next character that is no blank. */
  get next() {
    return this.index + matchAt(/[ \t]*/y, this.text, this.index).length;
  }

  /** How many columns the blanks take that come next. */
  get indent() {
    let { column } = this;
    for (const blank of this.text.slice(this.index, this.next)) column += blank === "\t" ? TAB - (column % TAB) : 1;
    return column - this.column;
  }

  /** Whether nothing but blanks is left so far. */
  get isBlank() {
    return this.next === this.text.length;
  }

  /** What is left of the line, its blanks included. */
  get rest() {
    if (!this.#spent) return this.text.slice(this.index);
    return " ".repeat(TAB - (this.column % TAB || TAB)) + this.text.slice(this.index + 1);
  }

  /** Skip the blanks that come next. */
  skipBlanks() {
    this.skipColumns(this.indent);
  }

  /** @param {number} count Skip so many columns of blanks. */
  skipColumns(count) {
    for (let left = count; left > 0 && /[ \t]/.test(this.text[this.index] ?? ""); ) {
      const width = this.text[this.index] === "\t" ? TAB - (this.column % TAB) : 1;
      const taken = Math.min(left, width);
      this.column += taken;
      left -= taken;
      this.#spent = taken < width ? this.#spent + taken : 0;
      if (taken === width) this.index++;
    }
  }

  /** @param {number} count Skip so many characters that are no blanks. */
  skip(count) {
    this.index += count;
    this.column += count;
    this.#spent = 0;
  }

  /** Skip the one blank that may belong to a mark before it. */
  skipBlank() {
    this.skipColumns(Math.min(1, this.indent));
  }
}
