/**
 * Turns the ops of a growing JSON document into operations on a form: fields that open, grow and close, each with its label.
 *
 * Takes every op of a document, from the first one on. Knows the words of the schema. Does not know the page.
 */

import { ExactNumber } from "../json/exact-number.js";
import { SchemaShape, memberLabel } from "./schema-shape.js";

/** @import { JSONValue, Op } from "../json/document.js" */

/** @typedef {"object" | "array" | "string" | "number" | "boolean" | "null"} FieldKind */

/**
 * One field of a form.
 *
 * @typedef {object} Field
 * @property {string} label its name for a reader, or ""
 * @property {string} description its description in the schema, or ""
 * @property {boolean} isChoice whether its value is one of a few that the schema lists
 * @property {string | null} key its key, where it is a member of an object
 * @property {number | null} index its index, where it is an item of an array
 * @property {readonly Field[]} members the members that the schema announces, where it is an object
 */

/**
 * What a form can do. `text` and `close` are about the innermost open field.
 *
 * @typedef {object} FieldSink
 * @property {(root: Field) => void} expect announces the form, once, before anything opens
 * @property {(kind: FieldKind, field: Field) => void} open begins a field inside the innermost open one
 * @property {(piece: string) => void} text adds to the field's text
 * @property {(isCut: boolean) => void} close ends the field; `isCut` where its value is incomplete
 */

/** @type {readonly (keyof FieldSink)[]} The names of a FieldSink's operations. */
export const FIELD_OPERATIONS = ["expect", "open", "text", "close"];

/** Passes the changes of one growing document on to a form, with each field's label. */
export class Fields {
  /**
   * Announce the form to `sink`.
   *
   * @param {unknown} schema the document's JSON Schema; whatever is no schema labels each field with its key
   * @param {FieldSink} sink receives the operations
   */
  constructor(schema, sink) {
    this.sink = sink;
    this.rootShape = new SchemaShape(schema);
    /**
     * The open fields, outermost first: objects and arrays, and at the end perhaps a string.
     *
     * @type {{kind: FieldKind, shape: SchemaShape, count: number}[]}
     */
    this.openFields = [];
    sink.expect(createField(this.rootShape, {}));
  }

  /**
   * Pass on what ops change.
   *
   * @param {Iterable<Op>} ops
   */
  apply(ops) {
    for (const op of ops) {
      if (op.op === "add") this.#add(op.path, op.value);
      else if (op.op === "append") this.sink.text(op.value);
      else this.#close(false);
    }
  }

  /** End the document: each field that is still open was cut. Idempotent. */
  end() {
    while (this.openFields.length) this.#close(true);
  }

  /**
   * @param {string} path
   * @param {JSONValue} value
   */
  #add(path, value) {
    const kind = kindOf(value);
    const { shape, ...place } = this.#placeOf(path);
    this.sink.open(kind, createField(shape, place));
    this.openFields.push({ kind, shape, count: 0 });
    if (typeof value === "string") {
      if (value) this.sink.text(value);
    } else if (value === null || typeof value !== "object" || value instanceof ExactNumber) {
      this.sink.text(scalarText(value));
      this.#close(false);
    }
  }

  /**
   * Return the shape of the value that is added at a path, and its key or index.
   *
   * @param {string} path
   * @returns {{shape: SchemaShape, key?: string, index?: number}}
   */
  #placeOf(path) {
    const holder = this.openFields.at(-1);
    if (!holder) return { shape: this.rootShape };
    if (holder.kind === "array") {
      const index = holder.count++;
      return { shape: holder.shape.item(index), index };
    }
    const key = path.slice(path.lastIndexOf("/") + 1).replaceAll("~1", "/").replaceAll("~0", "~");
    return { shape: holder.shape.member(key), key };
  }

  /** @param {boolean} isCut */
  #close(isCut) {
    this.openFields.pop();
    this.sink.close(isCut);
  }
}

/**
 * @param {SchemaShape} shape
 * @param {{key?: string | null, index?: number | null}} place
 * @returns {Field}
 */
function createField(shape, { key = null, index = null }) {
  const { description, isChoice } = shape;
  return {
    label: key === null ? shape.title : memberLabel(shape, key),
    description,
    isChoice,
    key,
    index,
    get members() {
      return shape.keys.map((member) => createField(shape.member(member), { key: member }));
    },
  };
}

/**
 * @param {JSONValue} value
 * @returns {FieldKind}
 */
function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof ExactNumber) return "number";
  return /** @type {FieldKind} */ (typeof value);
}

/**
 * Return how a form shows a number, a boolean or null.
 *
 * @param {number | ExactNumber | boolean | null} value
 */
function scalarText(value) {
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return value === null ? "none" : String(value);
}
