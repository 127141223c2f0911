/**
 * The JSON document that patches build: the reader of the ops in the native protocol's `partial` frames.
 *
 * Knows paths (JSON Pointers, RFC 6901) and the three ops. Knows neither JSON text nor the page.
 */

import { ExactNumber } from "./exact-number.js";

/** @typedef {null | boolean | number | ExactNumber | string | JSONValue[] | {[key: string]: JSONValue}} JSONValue */

/**
 * One change of a growing document, at `path`:
 *
 * - `add` puts a value there, in place of any value that was there; a path that ends in "/-" is the place after an array's
 *   last item;
 * - `append` adds text to the end of the string there;
 * - `close` marks the string, array or object there as complete.
 *
 * @typedef {{op: "add", path: string, value: JSONValue} | {op: "append", path: string, value: string} |
 *   {op: "close", path: string}} Op
 */

/** A JSON document that ops build. */
export class JSONDocument {
  /**
   * The document as far as it has come; undefined before the first op.
   *
   * @type {JSONValue | undefined}
   */
  value;

  /** @param {JSONValue} [value] a value to continue from, such as a snapshot; it is changed in place */
  constructor(value) {
    this.value = value;
  }

  /**
   * Apply ops in their order, and return the document.
   *
   * @param {Iterable<Op>} ops
   * @returns {JSONValue | undefined}
   * @throws {RangeError} the document has no place for an op, because ops before it are missing
   */
  apply(ops) {
    for (const op of ops) {
      const [holder, key] = findPlace(this, op.path);
      if (op.op === "add") add(holder, key, op.value);
      if (op.op === "append") append(holder, key, op);
      if (op.op === "close") checkIsOpen(holder, key, op.path);
    }
    return this.value;
  }
}

/**
 * The object or array in which a path ends, and its key or index there.
 *
 * @typedef {{[key: string]: JSONValue | undefined}} Holder
 */

/**
 * @param {JSONDocument} document
 * @param {string} path
 * @returns {[holder: Holder, key: string]}
 */
function findPlace(document, path) {
  const [first, ...steps] = path.split("/");
  let holder = /** @type {Holder} */ (/** @type {unknown} */ (document));
  let key = "value";
  if (first) throw missingPlace(path);
  for (const step of steps) {
    const next = valueAt(holder, key);
    if (!isHolder(next)) throw missingPlace(path);
    key = Array.isArray(next) ? indexOf(next, step, path) : step.replaceAll("~1", "/").replaceAll("~0", "~");
    holder = /** @type {Holder} */ (next);
  }
  return [holder, key];
}

/** @type {(array: JSONValue[], step: string, path: string) => string} Return the index that a step of a path is, at most the next one. */
function indexOf(array, step, path) {
  if (step === "-") return String(array.length);
  if (/^(?:0|[1-9][0-9]*)$/.test(step) && Number(step) <= array.length) return step;
  throw missingPlace(path);
}

/** @type {(holder: Holder, key: string) => JSONValue | undefined} */
function valueAt(holder, key) {
  return Object.hasOwn(holder, key) ? holder[key] : undefined;
}

/**
 * Put a copy of a value there, so that the op can be applied to another document too.
 *
 * @param {Holder} holder
 * @param {string} key
 * @param {JSONValue} value
 */
function add(holder, key, value) {
  /** @type {[Holder, string, JSONValue][]} */
  const pending = [[holder, key, value]];
  for (const [place, name, item] of pending) {
    if (!isHolder(item)) {
      put(place, name, item);
      continue;
    }
    const copy = Array.isArray(item) ? [] : {};
    put(place, name, copy);
    const inner = /** @type {Holder} */ (/** @type {unknown} */ (copy));
    for (const [innerName, innerItem] of Object.entries(item)) pending.push([inner, innerName, innerItem]);
  }
}

/** @type {(holder: Holder, key: string, value: JSONValue) => void} */
function put(holder, key, value) {
  // An assignment to __proto__ would change the object's prototype.
  if (key === "__proto__") Object.defineProperty(holder, key, { value, configurable: true, enumerable: true, writable: true });
  else holder[key] = value;
}

/**
 * @param {Holder} holder
 * @param {string} key
 * @param {{path: string, value: string}} op
 */
function append(holder, key, { path, value }) {
  const before = valueAt(holder, key);
  if (typeof before !== "string") throw missingPlace(path);
  holder[key] = before + value;
}

/** @type {(holder: Holder, key: string, path: string) => void} */
function checkIsOpen(holder, key, path) {
  const value = valueAt(holder, key);
  if (typeof value !== "string" && !isHolder(value)) throw missingPlace(path);
}

/** @type {(value: JSONValue | undefined) => value is JSONValue[] | {[key: string]: JSONValue}} */
function isHolder(value) {
  return typeof value === "object" && value !== null && !(value instanceof ExactNumber);
}

/** @param {string} path */
function missingPlace(path) {
  return new RangeError(`the op at ${JSON.stringify(path)} does not fit this document: earlier ops are missing`);
}
