/**
 * Reads a form out while it fills in: each field with its label, once the field is complete, or sentence by sentence.
 *
 * Takes the operations of fields.js, and passes texts on to an announcer, which decides when to speak.
 */

/** @import { MarkdownSink } from "../markdown/operations.js" */
/** @import { Field, FieldKind } from "../form/fields.js" */

/** Implements the FieldSink of fields.js. */
export class FormAnnouncer {
  /** @type {FieldKind[]} The kinds of the open fields, outermost first. */
  #kinds = [];

  /** @param {Pick<MarkdownSink, "open" | "text" | "close">} announcer */
  constructor(announcer) {
    this.announcer = announcer;
  }

  /** Empty fields are not read out. */
  expect() {}

  /**
   * Begin a field: its label comes first.
   *
   * @param {FieldKind} kind
   * @param {Pick<Field, "label" | "index">} field
   */
  open(kind, { label, index }) {
    this.#kinds.push(kind);
    this.announcer.open("paragraph", {});
    if (kind === "object" || kind === "array") {
      const name = index === null ? label : `${label || "Item"} ${index + 1}`;
      if (name) this.announcer.text(`${name}.`);
      this.announcer.close();
    } else if (label && index === null) {
      this.announcer.text(`${label}: `);
    }
  }

  /** @param {string} piece more of the field's text */
  text(piece) {
    this.announcer.text(piece);
  }

  /** End the innermost open field. */
  close() {
    const kind = this.#kinds.pop();
    if (kind !== "object" && kind !== "array") this.announcer.close();
  }
}
