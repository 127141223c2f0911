/**
 * HTML in an answer: the few tags that are shown as what they mean, and how far any other reaches, which is shown as text.
 */

import { WAIT, matchAt } from "./match.js";

/** @type {Readonly<{[name: string]: "sub" | "sup" | "kbd"}>} The tags around text that are shown as what they mean. */
export const TEXT_TAGS = { sub: "sub", sup: "sup", kbd: "kbd" };

/** Most characters of a tag that are held back until it is known to be one. */
const MAX_HELD = 200;

const ATTRIBUTE = "\\s+[A-Za-z_:][\\w.:-]{0,100}(?:\\s*=\\s*(?:[^\\s\"'=<>`]{1,500}|'[^']{0,500}'|\"[^\"]{0,500}\"))?";
const TAG = new RegExp(
  `<[A-Za-z][A-Za-z0-9-]{0,100}(?:${ATTRIBUTE}){0,50}\\s*/?>|</[A-Za-z][A-Za-z0-9-]{0,100}\\s*>` +
    "|<!-->|<!--->|<!--[^]{0,1000}?-->|<\\?[^]{0,1000}?\\?>|<![A-Za-z][^>]{0,1000}>|<!\\[CDATA\\[[^]{0,1000}?\\]\\]>",
  "y",
);
const ATTRIBUTE_SO_FAR = "\\s+(?:[A-Za-z_:][\\w.:-]{0,100}(?:\\s*=\\s*(?:[^\\s\"'=<>`]{0,500}|'[^']{0,500}|\"[^\"]{0,500})?)?)?";
const TAG_SO_FAR = new RegExp(
  `<(?:[A-Za-z][A-Za-z0-9-]{0,100}(?:${ATTRIBUTE}){0,50}(?:${ATTRIBUTE_SO_FAR})?\\s*/?|/[A-Za-z][A-Za-z0-9-]{0,100}\\s*` +
    "|!(?:-(?:-[^]{0,1000})?)?|\\?[^]{0,1000}|![A-Za-z][^>]{0,1000}|!\\[[^]{0,1010})$",
  "y",
);
const ADDRESS = /<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>\u0000-\u001f]{0,2000}>/y;
const ADDRESS_SO_FAR = /<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>\u0000-\u001f]{0,2000}$/y;
const MAIL = /<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,100}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,20}>/y;
const SO_FAR = new RegExp(`<[/!?]?[A-Za-z0-9]?[^\\s<>]{0,${MAX_HELD}}$`, "y");

/**
 * @typedef {{kind: "address" | "break" | "start" | "end" | "other", name: string, length: number}} Angled what stands in angle
 *   brackets: an address, a line break, the start or the end of a tag of TEXT_TAGS, or a tag that is shown as text. `name` is the
 *   address, or the tag's name
 */

/**
 * Read what stands in angle brackets at an index.
 *
 * @param {string} text
 * @param {number} at
 * @param {boolean} isOpen whether more text may come
 * @returns {Angled | "maybe" | typeof WAIT | null} "maybe" for a long tag whose end may still come
 */
export function angledAt(text, at, isOpen) {
  const address = matchAt(ADDRESS, text, at);
  if (address) return { kind: "address", name: address.slice(1, -1), length: address.length };
  const mail = matchAt(MAIL, text, at);
  if (mail) return { kind: "address", name: `mailto:${mail.slice(1, -1)}`, length: mail.length };
  const tag = matchAt(TAG, text, at);
  if (!tag) return isOpen ? unfinishedAt(text, at) : null;
  const [, end, written] = /^<(\/?)([a-z]*) ?\/?>$/i.exec(tag) ?? [];
  const name = written?.toLowerCase() ?? "";
  if (name === "br" && !end) return { kind: "break", name, length: tag.length };
  const isKnown = Object.hasOwn(TEXT_TAGS, name) && !tag.endsWith("/>");
  return { kind: isKnown ? (end ? "end" : "start") : "other", name, length: tag.length };
}

/** @type {(text: string, at: number) => "maybe" | typeof WAIT | null} */
function unfinishedAt(text, at) {
  if (matchAt(SO_FAR, text, at)) return WAIT;
  return matchAt(ADDRESS_SO_FAR, text, at) || matchAt(TAG_SO_FAR, text, at) ? "maybe" : null;
}
