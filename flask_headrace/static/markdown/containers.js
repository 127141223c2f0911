/**
 * The container blocks that are open: quotes, lists with their items, and `details`.
 *
 * Knows which containers are inside which, and whether blank lines stand between the blocks in them. Does not read lines.
 */

/** @import { MarkdownSink } from "./operations.js" */

/**
 * An open container block. `key` is the last character of a list's marker: it keeps "-" and "*", "1." and "1)" apart.
 * `width` is by how many columns a line must be indented to belong to an item. `isEmpty` is whether an item has no content.
 * @typedef {{kind: "quote", hasGap: boolean} | {kind: "details", hasGap: boolean}
 *   | {kind: "list", key: string, hasGap: boolean, isLoose: boolean, isTold: boolean}
 *   | {kind: "item", key: string, width: number, hasGap: boolean, isEmpty: boolean}} Container
 *
 * A container that a line opens. `number` is null for an item of a bullet list, `task` for an item that is no task.
 * @typedef {{kind: "quote"} | {kind: "details", open: boolean}
 *   | {kind: "item", key: string, width: number, number: number | null, task: boolean | null}} NewContainer
 */

/** The open containers of one answer. */
export class Containers {
  /** @type {Container[]} Outermost first. */
  open = [];

  /** @param {MarkdownSink} sink */
  constructor(sink) {
    this.sink = sink;
  }

  /** @param {NewContainer} container Open a container inside the innermost one. */
  add(container) {
    if (container.kind === "item") return this.#addItem(container);
    this.noteChild();
    if (container.kind === "quote") {
      this.open.push({ kind: "quote", hasGap: false });
      this.sink.open("quote", {});
    } else {
      this.open.push({ kind: "details", hasGap: false });
      this.sink.open("details", { open: container.open });
    }
  }

  /** Begin a block in the innermost container. If that is a list, it ends; if it is an item, that has content now. */
  noteChild() {
    if (this.open.at(-1)?.kind === "list") this.closeTo(this.open.length - 1);
    const parent = this.open.at(-1);
    if (parent?.kind === "item") {
      const list = this.open.at(-2);
      if (parent.hasGap && !parent.isEmpty && list?.kind === "list") list.isLoose = true;
      parent.isEmpty = false;
    }
    this.#forgetGaps();
  }

  /** @param {boolean} isAfterMarker Note a blank line; whether a marker of a container stands in it. */
  noteGap(isAfterMarker) {
    if (isAfterMarker) return;
    for (const container of this.open.toReversed()) {
      if (container.kind === "quote") return;
      container.hasGap = true;
    }
  }

  /** @param {number} depth how many containers stay open */
  closeTo(depth) {
    while (this.open.length > depth) {
      const container = this.open.pop();
      if (container?.kind === "list") this.#tellLoose(container);
      this.sink.close();
    }
  }

  /** @param {NewContainer & {kind: "item"}} item */
  #addItem({ key, number, width, task }) {
    const innermost = this.open.at(-1);
    if (innermost?.kind !== "list" || innermost.key !== key) {
      this.noteChild();
      this.open.push({ kind: "list", key, hasGap: false, isLoose: false, isTold: false });
      this.sink.open("list", { ordered: number !== null, start: number ?? 1 });
    } else {
      innermost.isLoose ||= innermost.hasGap;
      this.#tellLoose(innermost);
    }
    this.#forgetGaps();
    this.open.push({ kind: "item", key, width, hasGap: false, isEmpty: true });
    this.sink.open("item", { task });
  }

  #forgetGaps() {
    for (const container of this.open) container.hasGap = false;
  }

  /** @param {Container & {kind: "list"}} list the innermost open node */
  #tellLoose(list) {
    if (list.isLoose && !list.isTold) this.sink.set({ loose: true });
    list.isTold = list.isLoose;
  }
}
