/**
 * A table, cell by cell.
 *
 * Knows its rows. A line that begins with a bar is believed to be a table's head at once, and `takeBack` undoes it when the
 * line below says otherwise.
 */

import { Inline } from "./inline.js";

/** Columns, at most; what stands in more of them is not shown. */
const WIDEST = 64;

export class Table {
  kind = "table";

  constructor(sink) {
    this.sink = sink;
    this.confirmed = false;
    this.raw = "";
    this.aligns = [];
    sink.open("table", {});
    this.startRow();
  }

  startRow() {
    this.inRow = true;
    this.column = -1;
    this.barred = false;
    this.escaped = false;
    this.cell = null;
    this.sink.open("row", { head: !this.confirmed });
  }

  text(piece) {
    if (!this.confirmed) this.raw += piece;
    for (const token of piece.match(/[\\|]|[^\\|]+/g) ?? []) this.#take(token);
  }

  /** The line of dashes below the head: the table is one, and its columns are aligned like this. */
  confirm(line) {
    const rules = line.trim().replace(/^\||\|$/g, "").split("|").slice(0, WIDEST);
    this.aligns = rules.map((rule) => {
      const [, left, right] = /^\s*(:?)-+(:?)/.exec(rule) ?? [];
      return right ? (left ? "center" : "end") : "start";
    });
    this.confirmed = true;
    this.sink.set({ aligns: this.aligns });
  }

  endLine(cut = false) {
    if (!this.inRow) return false;
    if (this.escaped) this.#write("\\");
    this.#endCell(cut);
    this.sink.close();
    this.inRow = false;
    return false;
  }

  takeBack() {
    this.endLine();
    this.sink.drop();
    return this.raw;
  }

  close(cut) {
    this.endLine(cut);
    this.sink.close();
  }

  #take(token) {
    const escaped = this.escaped;
    this.escaped = false;
    if (escaped) this.#write(token === "|" ? "|" : `\\${token}`);
    else if (token === "\\") this.escaped = true;
    else if (token === "|") this.#bar();
    else this.#write(token);
  }

  #bar() {
    if (!this.cell && (this.barred || this.column >= 0)) this.#startCell();
    this.#endCell();
    this.barred = true;
  }

  #write(text) {
    const shown = this.cell ? text : text.trimStart();
    if (!shown) return;
    if (!this.cell) this.#startCell();
    this.cell.feed(shown);
  }

  #startCell() {
    this.column++;
    if (this.column >= WIDEST) {
      this.cell = NOWHERE;
      return;
    }
    this.sink.open("cell", { head: !this.confirmed, align: this.aligns[this.column] ?? "start" });
    this.cell = new Inline(this.sink, { cell: true });
  }

  #endCell(cut = false) {
    if (!this.cell) return;
    this.cell.end(cut);
    if (this.cell !== NOWHERE) this.sink.close();
    this.cell = null;
  }
}

const NOWHERE = { feed() {}, end() {} };
