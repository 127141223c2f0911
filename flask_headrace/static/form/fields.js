/**
 * The ops of a growing document (partial-json.js) as operations on a form: fields open, grow and close, each with its label.
 *
 * A sink gets `expect(field)` once, for what is to come, then `open(kind, field)`, `text(piece)` and `close(isCut)`. Kinds are
 * JSON's: object, array, string, number, boolean, null. A field is `{label, description, isChoice, key, index, members}`:
 * `key` where it is a member, `index` where it is an item, `members` as fields, those that the schema names.
 *
 * Takes every op of a document, from its first on. Knows the schema's words. Knows no page.
 */

import { Shape, labelOf } from "./shape.js";

export class Fields {
  /** `schema` may be undefined: labels are then the keys. */
  constructor(schema, sink) {
    this.sink = sink;
    this.root = new Shape(schema);
    // What is open, outermost first: objects and arrays, and at the end perhaps a string.
    this.open_ = [];
    sink.expect(fieldOf(this.root, {}));
  }

  take(ops) {
    for (const { op, path, value } of ops) {
      if (op === "add") this.#add(path, value);
      else if (op === "append") this.sink.text(value);
      else this.#close(false);
    }
  }

  /** Nothing more comes: what is still open was cut. */
  end() {
    while (this.open_.length) this.#close(true);
  }

  #add(path, value) {
    const kind = kindOf(value);
    const { shape, ...place } = this.#place(path);
    this.sink.open(kind, fieldOf(shape, place));
    this.open_.push({ kind, shape, count: 0 });
    if (kind === "object" || kind === "array") return;
    if (kind === "string") return value && this.sink.text(value);
    this.sink.text(said(value));
    this.#close(false);
  }

  #place(path) {
    const holder = this.open_.at(-1);
    if (!holder) return { shape: this.root };
    if (holder.kind === "array") {
      const index = holder.count++;
      return { shape: holder.shape.item(index), index };
    }
    const key = path.slice(path.lastIndexOf("/") + 1).replaceAll("~1", "/").replaceAll("~0", "~");
    return { shape: holder.shape.member(key), key };
  }

  #close(isCut) {
    this.open_.pop();
    this.sink.close(isCut);
  }
}

function fieldOf(shape, { key = null, index = null }) {
  const { description, isChoice } = shape;
  return {
    label: key === null ? shape.title : labelOf(shape, key),
    description,
    isChoice,
    key,
    index,
    get members() {
      return shape.keys.map((member) => fieldOf(shape.member(member), { key: member }));
    },
  };
}

function kindOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function said(value) {
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return value === null ? "none" : String(value);
}
