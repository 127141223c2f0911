/**
 * Reading whole JSON texts without losing a digit of their numbers. (`encodeJSON` of json-text.js writes them.)
 *
 *   document.apply(parseExactJSON(frame.data).ops);
 *
 * Does not recurse, so no depth is too deep that is not for JSON.parse.
 */

import { exactNumber } from "./exact-number.js";
import { TOKEN } from "./tokens.js";

/** @import { JSONValue } from "./document.js" */

/**
 * An open array or object, and the key of its next member.
 * @typedef {{value: JSONValue[] | {[key: string]: JSONValue}, key: string | null}} Open
 */

/**
 * Return the value of a JSON text as JSON.parse does; with an ExactNumber for each number that JavaScript would write with
 * other digits.
 *
 * @param {string} text
 * @returns {any} a JSONValue
 * @throws {SyntaxError} the text is not JSON
 */
export function parseExactJSON(text) {
  if (!losesDigits(text)) return JSON.parse(text);
  /** @type {JSONValue[]} */
  const root = [];
  /** @type {Open[]} */
  const open = [{ value: root, key: null }];
  for (const [token] of text.matchAll(TOKEN)) {
    const top = open[open.length - 1];
    if (token === "}" || token === "]") open.pop();
    else if (token === ":" || token === ",") continue;
    else if (top.key === null && !Array.isArray(top.value)) top.key = JSON.parse(token);
    else {
      const value = valueOf(token);
      put(top, value);
      if (token === "{" || token === "[") open.push({ value: /** @type {Open["value"]} */ (value), key: null });
    }
  }
  return root[0];
}

/**
 * Return whether JavaScript would write a number of a JSON text with other digits.
 *
 * @param {string} text
 * @throws {SyntaxError} the text is not JSON
 */
export function losesDigits(text) {
  JSON.parse(text);
  for (const [token] of text.matchAll(TOKEN)) {
    if (isNumber(token) && typeof exactNumber(token) !== "number") return true;
  }
  return false;
}

/** @param {string} token */
function isNumber(token) {
  return /^[-0-9]/.test(token);
}

/** @type {(token: string) => JSONValue} */
function valueOf(token) {
  if (token === "{") return {};
  if (token === "[") return [];
  return isNumber(token) ? exactNumber(token) : JSON.parse(token);
}

/** @type {(open: Open, value: JSONValue) => void} */
function put(open, value) {
  const { value: holder, key } = open;
  if (Array.isArray(holder)) holder.push(value);
  else Object.defineProperty(holder, key ?? "", { value, configurable: true, enumerable: true, writable: true });
  open.key = null;
}
