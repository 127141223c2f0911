/**
 * A table, cell by cell.
 *
 * Knows its rows. A line that begins with a bar and a blank is shown as a table's head at once, and `takeBack` undoes that when
 * the line below is no line of dashes.
 */

import { Inline } from "./inline.js";
import { columnsOf } from "./table-line.js";

/** @import { Alignment, MarkdownSink } from "./operations.js" */
/** @import { References } from "./references.js" */

/** Most columns. Cells in further columns are not shown. */
const MAX_COLUMNS = 64;
/** Most cells of a table that are added because its rows are too short: a few characters could ask for a million. */
const MAX_ADDED = 20_000;

/** Takes the text of a cell that is not shown. */
const HIDDEN_CELL = { feed() {}, end() {} };

/** A table. It begins with a head, which may turn out to be none. */
export class Table {
  kind = /** @type {const} */ ("table");
  /** Whether the line of dashes below the head has come. */
  isConfirmed = false;
  /** @type {string[]} The text of the head, in pieces, for when it turns out to be no table. */
  raw = [];
  /** @type {Alignment[]} The alignment of each column. */
  aligns = [];
  isInRow = false;
  column = -1;
  isAfterBar = false;
  isEscaped = false;
  added = 0;
  /** @type {Inline | typeof HIDDEN_CELL | null} The open cell. */
  cell = null;

  /**
   * @param {MarkdownSink} sink
   * @param {References} references
   */
  constructor(sink, references) {
    this.sink = sink;
    this.references = references;
    sink.open("table", {});
    this.#openRow();
  }

  /** How many cells the head has. */
  get columns() {
    return columnsOf(this.raw.join(""));
  }

  /** Begin a row. */
  startLine() {
    this.#openRow();
  }

  /** @param {string} piece the next text of the row */
  text(piece) {
    if (!this.isConfirmed) this.raw.push(piece);
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
    if (!isCut && this.isConfirmed) this.#fillRow();
    this.sink.close();
    this.isInRow = false;
    return false;
  }

  /** Remove the table, and return its text: it is another block. */
  takeBack() {
    this.endLine();
    this.sink.drop();
    return this.raw.join("");
  }

  /** @param {boolean} isCut whether the answer was cut off here */
  close(isCut) {
    this.endLine(isCut);
    this.sink.close();
  }

  #openRow() {
    this.isInRow = true;
    this.column = -1;
    this.isAfterBar = false;
    this.isEscaped = false;
    this.cell = null;
    this.sink.open("row", { head: !this.isConfirmed });
  }

  /** Add the cells that the row lacks. */
  #fillRow() {
    while (this.column + 1 < this.aligns.length && this.added < MAX_ADDED) {
      this.added++;
      this.#openCell();
      this.#closeCell();
    }
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
    if (this.column >= (this.isConfirmed ? this.aligns.length : MAX_COLUMNS)) {
      this.cell = HIDDEN_CELL;
      return;
    }
    const attributes = { head: !this.isConfirmed, align: this.aligns[this.column] ?? "start" };
    const open = () => this.sink.open("cell", attributes);
    open();
    this.cell = new Inline(this.sink, this.references, () => (this.sink.drop(), open()));
  }

  #closeCell(isCut = false) {
    if (!this.cell) return;
    this.cell.end(isCut);
    if (this.cell !== HIDDEN_CELL) this.sink.close();
    this.cell = null;
  }
}
