/**
 * Reading a form out while it fills in: each field with its label, once it is whole or as sentences.
 *
 * Takes the operations of fields.js and gives those of a text to an announcer, which knows when to speak.
 */

export class Readout {
  constructor(announcer) {
    this.announcer = announcer;
    this.kinds = [];
  }

  expect() {}

  open(kind, { label, index }) {
    this.kinds.push(kind);
    this.announcer.open("paragraph", {});
    if (kind === "object" || kind === "array") {
      const name = index === null ? label : `${label || "Item"} ${index + 1}`;
      if (name) this.announcer.text(`${name}.`);
      this.announcer.close();
    } else if (label && index === null) {
      this.announcer.text(`${label}: `);
    }
  }

  text(piece) {
    this.announcer.text(piece);
  }

  close() {
    const kind = this.kinds.pop();
    if (kind !== "object" && kind !== "array") this.announcer.close();
  }
}
