/**
 * JSON that stays text, so that its numbers keep their digits: finding a member, indentation, and text inside of a value.
 *
 * The functions read text that a parser has accepted already. They do not recurse into it, so no depth is too deep.
 */

import { ExactNumber } from "./exact-number.js";
import { TOKEN } from "./tokens.js";

/** Deeper lines are indented no further: the indentation of a deep document would be longer than the document. */
const MAX_INDENTED_DEPTH = 24;

/** Characters that no reader sees, or that show what follows in another order. */
const INVISIBLE = /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0]/g;

/** A JSON text that `encodeJSON` writes as it is. */
export class JSONText {
  /** @param {string} text one JSON value */
  constructor(text) {
    this.text = text;
  }
}

/**
 * Return a value as JSON.stringify does, with the texts in it as they are, and all digits of its numbers.
 *
 * @param {unknown} value anything that JSON can express, JSONTexts and ExactNumbers
 * @returns {string}
 */
export function encodeJSON(value) {
  if (value instanceof JSONText) return value.text;
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return `[${value.map(encodeJSON).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${encodeJSON(item)}`).join(",")}}`;
}

/**
 * Return the text of a member of an object; undefined where the object has no such member. The last one counts.
 *
 * @param {string} object the text of a JSON object
 * @param {string} name
 */
export function memberText(object, name) {
  let depth = 0;
  let key = "";
  /** @type {number | null} Where the value of the member begins; null in front of it. */
  let start = null;
  /** @type {string | undefined} */
  let found;
  for (const { 0: token, index } of object.matchAll(TOKEN)) {
    if (depth === 1 && start === null && token.startsWith('"')) key = JSON.parse(token);
    else if (depth === 1 && token === ":") start = index + 1;
    else if (depth === 1 && (token === "," || token === "}")) {
      if (start !== null && key === name) found = object.slice(start, index).trim();
      start = null;
    }
    depth += depthChange(token);
  }
  return found;
}

/**
 * Return a JSON text with a line for each member and item.
 *
 * @param {string} text
 */
export function indentJSON(text) {
  let depth = 0;
  let before = "";
  /** @type {string[]} */
  const written = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const change = depthChange(token);
    if (change < 0) depth--;
    const isInEmpty = change < 0 && depthChange(before) > 0;
    if (before === "," || (depthChange(before) > 0 || change < 0) && !isInEmpty) written.push(lineBreak(depth));
    written.push(token === ":" ? ": " : token);
    if (change > 0) depth++;
    before = token;
  }
  return written.join("");
}

/**
 * Return a JSON text, or a piece of one, in which what cannot be seen is written as an escape, as JSON allows.
 *
 * @param {string} text
 */
export function showInvisible(text) {
  return text.replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** @param {string} token */
function depthChange(token) {
  if (token === "{" || token === "[") return 1;
  return token === "}" || token === "]" ? -1 : 0;
}

/** @param {number} depth */
function lineBreak(depth) {
  return `\n${"  ".repeat(Math.min(depth, MAX_INDENTED_DEPTH))}`;
}
