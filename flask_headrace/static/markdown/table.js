/**
 * A table, cell by cell.
 *
 * Knows its rows. A line that begins with a bar is shown as a table's head at once, and `takeBack` undoes that when the line
 * below is no line of dashes.
 */

import { Inline } from "./inline.js";

/** @import { Alignment, MarkdownSink } from "./operations.js" */

/** Most columns. Cells in further columns are not shown. */
const MAX_COLUMNS = 64;

/** Takes the text of a cell that is not shown. */
const HIDDEN_CELL = { feed() {}, end() {} };

/** A table. It begins with a head, which may turn out to be none. */
export class Table {
  kind = /** @type {const} */ ("table");
  /** Whether the line of dashes below the head has come. */
  isConfirmed = false;
  /** The text of the head, for when it turns out to be no table. */
  raw = "";
  /** @type {Alignment[]} The alignment of each column. */
  aligns = [];
  isInRow = false;
  column = -1;
  isAfterBar = false;
  isEscaped = false;
  /** @type {Inline | typeof HIDDEN_CELL | null} The open cell. */
  cell = null;

  /** @param {MarkdownSink} sink */
  constructor(sink) {
    this.sink = sink;
    sink.open("table", {});
    this.startRow();
  }

  /** Begin a row. */
  startRow() {
    this.isInRow = true;
    this.column = -1;
    this.isAfterBar = false;
    this.isEscaped = false;
    this.cell = null;
    this.sink.open("row", { head: !this.isConfirmed });
  }

  /** @param {string} piece the next text of the row */
  text(piece) {
    if (!this.isConfirmed) this.raw += piece;
    for (const token of piece.match(/[\\|]|[^\\|]+/g) ?? []) this.#readToken(token);
  }

  /**
   * Confirm that this is a table.
   *
   * @param {string} line the line of dashes below the head, which aligns the columns
   */
  confirm(line) {
    const rules = line.trim().replace(/^\||\|$/g, "").split("|").slice(0, MAX_COLUMNS);
    this.aligns = rules.map((rule) => {
      const [, left, right] = /^\s*(:?)-+(:?)/.exec(rule) ?? [];
      return right ? (left ? "center" : "end") : "start";
    });
    this.isConfirmed = true;
    this.sink.set({ aligns: this.aligns });
  }

  /** End the current row, and return whether that closes the block. */
  endLine(isCut = false) {
    if (!this.isInRow) return false;
    if (this.isEscaped) this.#write("\\");
    this.#closeCell(isCut);
    this.sink.close();
    this.isInRow = false;
    return false;
  }

  /** Remove the table, and return its text: it is another block. */
  takeBack() {
    this.endLine();
    this.sink.drop();
    return this.raw;
  }

  /** @param {boolean} isCut whether the answer was cut off here */
  close(isCut) {
    this.endLine(isCut);
    this.sink.close();
  }

  /** @param {string} token a backslash, a bar, or text without them */
  #readToken(token) {
    const wasEscaped = this.isEscaped;
    this.isEscaped = false;
    if (wasEscaped) this.#write(token === "|" ? "|" : `\\${token}`);
    else if (token === "\\") this.isEscaped = true;
    else if (token === "|") this.#readBar();
    else this.#write(token);
  }

  #readBar() {
    if (!this.cell && (this.isAfterBar || this.column >= 0)) this.#openCell();
    this.#closeCell();
    this.isAfterBar = true;
  }

  /** @param {string} text */
  #write(text) {
    const shown = this.cell ? text : text.trimStart();
    if (!shown) return;
    if (!this.cell) this.#openCell();
    this.cell?.feed(shown);
  }

  #openCell() {
    this.column++;
    if (this.column >= MAX_COLUMNS) {
      this.cell = HIDDEN_CELL;
      return;
    }
    this.sink.open("cell", { head: !this.isConfirmed, align: this.aligns[this.column] ?? "start" });
    this.cell = new Inline(this.sink, { isCell: true });
  }

  #closeCell(isCut = false) {
    if (!this.cell) return;
    this.cell.end(isCut);
    if (this.cell !== HIDDEN_CELL) this.sink.close();
    this.cell = null;
  }
}
