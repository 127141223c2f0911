/**
 * Where a link leads, as it is written: `(address "title")` after a link's text, and `[label]: address "title"` on its own.
 *
 * Knows how far each part reaches. Whether an address may be followed is decided by link.js.
 */

import { unescape } from "./link.js";
import { WAIT, matchAt } from "./match.js";

/** @typedef {{end: number, href: string, title: string}} Target `end` is the index after it */

/** Most characters of an address with its title. */
const MAX_LENGTH = 3000;
/** Most brackets inside each other in an address. */
const MAX_BRACKETS = 32;

const BLANKS = /[ \t]*(?:\n[ \t]*)?/y;
const LABEL = /\[((?:[^\\[\]]|\\[^]){1,999})\]/y;
const LABEL_SO_FAR = /\[(?:[^\\[\]]|\\[^]){0,999}\\?$/y;
const ANGLED = /<((?:[^<>\n\\]|\\.){0,2000})>/y;
const ANGLED_SO_FAR = /<(?:[^<>\n\\]|\\.){0,2000}\\?$/y;
const TITLE = /"((?:[^"\\]|\\[^]){0,1000})"|'((?:[^'\\]|\\[^]){0,1000})'|\(((?:[^()\\]|\\[^]){0,1000})\)/y;
const TITLE_SO_FAR = /(?:"(?:[^"\\]|\\[^]){0,1000}|'(?:[^'\\]|\\[^]){0,1000}|\((?:[^()\\]|\\[^]){0,1000})\\?$/y;

/**
 * Read the address in brackets that begins at an index.
 *
 * @param {string} text
 * @param {number} at index of the opening bracket
 * @param {boolean} isOpen whether more text may come
 * @returns {Target | typeof WAIT | null} WAIT where more must be seen first; null where there is none
 */
export function targetAt(text, at, isOpen) {
  const found = wholeTargetAt(text, at, isOpen);
  const end = found === null || found === WAIT ? text.length : found.end;
  return end - at > MAX_LENGTH && (found !== WAIT || isOpen) ? null : found;
}

/** @type {(text: string, at: number, isOpen: boolean) => Target | typeof WAIT | null} */
function wholeTargetAt(text, at, isOpen) {
  const ends = (/** @type {number} */ index) => isOpen && index >= text.length;
  const start = at + 1 + matchAt(BLANKS, text, at + 1).length;
  if (ends(start)) return WAIT;
  if (text[start] === ")") return { end: start + 1, href: "", title: "" };
  const address = addressAt(text, start, isOpen);
  if (address === null || address === WAIT) return address;
  const blanks = matchAt(BLANKS, text, address.end);
  let end = address.end + blanks.length;
  let title = "";
  if (ends(end)) return WAIT;
  if (blanks && text[end] !== ")") {
    const found = matchAt(TITLE, text, end);
    if (!found) return isOpen && matchAt(TITLE_SO_FAR, text, end) ? WAIT : null;
    title = found.slice(1, -1);
    end += found.length;
    end += matchAt(BLANKS, text, end).length;
    if (ends(end)) return WAIT;
  }
  return text[end] === ")" ? { end: end + 1, href: address.href, title: unescape(title) } : null;
}

/**
 * Read the label in brackets that begins at an index.
 *
 * @param {string} text
 * @param {number} at index of the opening bracket
 * @param {boolean} isOpen whether more text may come
 * @returns {{end: number, label: string} | typeof WAIT | null}
 */
export function labelAt(text, at, isOpen) {
  const found = matchAt(LABEL, text, at);
  if (found) return found.slice(1, -1).trim() ? { end: at + found.length, label: labelOf(found.slice(1, -1)) } : null;
  return isOpen && matchAt(LABEL_SO_FAR, text, at) ? WAIT : null;
}

/**
 * Return a label in the form in which labels are compared.
 *
 * @param {string} written
 */
export function labelOf(written) {
  return written.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase();
}

/**
 * Read the definition that a text begins with.
 *
 * @param {string} text
 * @param {boolean} isOpen whether more text may come
 * @returns {Target & {label: string} | typeof WAIT | null}
 */
export function definitionAt(text, isOpen) {
  const label = labelAt(text, 0, isOpen);
  if (label === null || label === WAIT) return label;
  if (text[label.end] !== ":") return isOpen && label.end === text.length ? WAIT : null;
  const start = label.end + 1 + matchAt(BLANKS, text, label.end + 1).length;
  if (start === text.length) return isOpen ? WAIT : null;
  const address = addressAt(text, start, isOpen, true);
  if (address === null || address === WAIT) return address;
  const { href } = address;
  const title = titleBelow(text, address.end, isOpen);
  if (title === WAIT) return WAIT;
  if (title) return { ...title, href, label: label.label };
  const lineEnd = address.end + matchAt(/[ \t]*/y, text, address.end).length;
  if (lineEnd < text.length && text[lineEnd] !== "\n") return null;
  return { end: Math.min(lineEnd + 1, text.length), href, title: "", label: label.label };
}

/** @type {(text: string, at: number, isOpen: boolean) => {end: number, title: string} | typeof WAIT | null} */
function titleBelow(text, at, isOpen) {
  const blanks = matchAt(BLANKS, text, at);
  const start = at + blanks.length;
  if (start === text.length) return isOpen ? WAIT : null;
  if (!blanks) return null;
  const title = matchAt(TITLE, text, start);
  if (!title) return isOpen && matchAt(TITLE_SO_FAR, text, start) ? WAIT : null;
  const end = start + title.length + matchAt(/[ \t]*/y, text, start + title.length).length;
  if (end === text.length && isOpen) return WAIT;
  if (end < text.length && text[end] !== "\n") return null;
  return { end: Math.min(end + 1, text.length), title: unescape(title.slice(1, -1)) };
}

/** @type {(text: string, at: number, isOpen: boolean, isDefinition?: boolean) => {end: number, href: string} | typeof WAIT | null} */
function addressAt(text, at, isOpen, isDefinition = false) {
  if (text[at] === "<") {
    const angled = matchAt(ANGLED, text, at);
    if (angled) return { end: at + angled.length, href: unescape(angled.slice(1, -1)) };
    return isOpen && matchAt(ANGLED_SO_FAR, text, at) ? WAIT : null;
  }
  const end = plainEnd(text, at);
  if (end === null || (isDefinition && end === at)) return null;
  if (end === text.length && isOpen) return WAIT;
  return { end, href: unescape(text.slice(at, end)) };
}

/** @type {(text: string, at: number) => number | null} Return where an address without angles ends. */
function plainEnd(text, at) {
  let depth = 0;
  let index = at;
  for (; index < text.length; index++) {
    const character = text[index];
    if (character <= " " || character === "\x7f") break;
    if (character === "\\" && /[!-/:-@[-`{-~]/.test(text[index + 1] ?? "")) index++;
    else if (character === "(") depth++;
    else if (character === ")" && --depth < 0) break;
    if (depth > MAX_BRACKETS) return null;
  }
  return depth > 0 && index < text.length ? null : Math.min(index, text.length);
}
