/**
 * The characters that HTML's references stand for, such as `&eacute;` and `&#233;`.
 *
 * A browser knows the names: none of them is sent to it. Where there is no browser, the table beside this file is read.
 */

/** @typedef {new () => {parseFromString: (text: string, type: string) => {documentElement: {textContent: string | null}}}} Parser */

const { DOMParser } = /** @type {{DOMParser?: Parser}} */ (globalThis);
const browser = DOMParser && new DOMParser();
const table = browser ? null : (await import("./entity-table.js")).ENTITIES;

/** @type {Map<string, string>} The names that this answer's page has met. */
const known = new Map();
/** Most names that are kept. */
const MAX_KNOWN = 2500;

/**
 * Return the characters that a reference stands for.
 *
 * @param {string} reference with its `&` and `;`
 * @returns {string} the reference itself where its name is not known
 */
export function decodeReference(reference) {
  const name = reference.slice(1, -1);
  if (name[0] !== "#") return decodeName(name) || reference;
  const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : "\ufffd";
}

/**
 * Return the characters that a name stands for; "" where it is not known.
 *
 * @param {string} name
 */
function decodeName(name) {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) return "";
  if (table) return table.get(name) ?? "";
  const found = known.get(name) ?? askBrowser(name);
  if (known.size < MAX_KNOWN) known.set(name, found);
  return found;
}

/** @param {string} name letters and digits only */
function askBrowser(name) {
  try {
    const found = browser?.parseFromString(`<!doctype html><body>&${name};`, "text/html").documentElement.textContent ?? "";
    // An unknown name comes back as it is written; "&notit;" begins with one that HTML knows without its semicolon.
    return found.endsWith(";") && name !== "semi" ? "" : found;
  } catch {
    // A page that demands "trusted types" forbids this: the reference is then shown as it is written.
    return "";
  }
}
