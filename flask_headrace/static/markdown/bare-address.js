/**
 * Addresses that stand in the text without brackets: `https://…`, `www.…`, and those of mail.
 *
 * Knows how far an address reaches (GFM's extended autolinks). Whether it may be followed is decided by link.js.
 */

import { WAIT, matchAt } from "./match.js";

/** Most characters of an address. */
const MAX_LENGTH = 1000;
/** Most characters before the `@` of an address of mail. */
const MAX_MAILBOX_LENGTH = 64;

const SCHEME = /(?:https?:\/\/|ftp:\/\/|www\.)(?=[A-Za-z0-9\u00a1-\u1fff\u3040-\ud7ff])/iy;
// An address ends at a blank, at a mark that no address has, and where Chinese or Japanese goes on right after Latin.
const LETTERS = "\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uac00-\\ud7af";
const NO_ADDRESS = "\\s<>`\"\\\\\\u00ab\\u00bb\\u2018-\\u201f\\u2039\\u203a\\u3000-\\u303f\\uff00-\\uffef";
const BODY = new RegExp(`(?:[^${NO_ADDRESS}${LETTERS}]|(?<=[/=_\\-#%.${LETTERS}])[${LETTERS}]){1,${MAX_LENGTH}}`, "y");
const MAYBE_SCHEME = /(?:^|[^A-Za-z0-9_])(ht{0,2}|https?(?::\/{0,2})?|ft?|ftp(?::\/{0,2})?|w{1,3}\.?)$/i;

/**
 * Read the address that begins at an index with its scheme or with "www.".
 *
 * @param {string} text
 * @param {number} at
 * @param {boolean} isInBrackets whether a closing bracket ends it
 * @returns {{end: number, shown: string} | null} the address, and how it is written; null where there is none
 */
export function bareAddressAt(text, at, isInBrackets) {
  const scheme = matchAt(SCHEME, text, at);
  if (!scheme) return null;
  const body = matchAt(BODY, text, at + scheme.length);
  const shown = withoutMarks(scheme + (isInBrackets ? body.split("]", 1)[0] : body));
  const [, host = ""] = /^(?:[a-z]+:\/\/)?([^/?#:]*)/i.exec(shown) ?? [];
  if (/_[^.]*(?:\.[^.]*)?$/.test(host) || (/^www\./i.test(scheme) && !/^www\.[^.]/i.test(host))) return null;
  return { end: at + shown.length, shown };
}

/**
 * Return whether the address that was read may go on after the end of the text so far.
 *
 * @param {string} text
 * @param {number} end where the address ends in it
 */
export function mayGoOn(text, end) {
  return /^[?!.,:;*_~'")\]&A-Za-z0-9]*$/.test(text.slice(end, end + 100)) && text.length - end < 100;
}

/**
 * Return how many characters at the end of a text may be the beginning of an address.
 *
 * @param {string} text
 */
export function schemeLengthAtEnd(text) {
  return MAYBE_SCHEME.exec(text.slice(-10))?.[1].length ?? 0;
}

/**
 * Read the address of mail around an `@`.
 *
 * @param {string} text
 * @param {number} at index of the `@`
 * @param {boolean} isOpen whether more text may come
 * @returns {{start: number, end: number} | typeof WAIT | null}
 */
export function mailAddressAt(text, at, isOpen) {
  const start = mailboxStart(text, at);
  if (!/^(?:(?:mailto|xmpp):)?[A-Za-z0-9]/i.test(text.slice(start, at))) return null;
  const after = matchAt(/[A-Za-z0-9._-]{1,255}/y, text, at + 1);
  if (at + 1 + after.length === text.length && isOpen) return WAIT;
  const host = after.replace(/\.+$/, "");
  if (!/^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.[A-Za-z0-9_-]*[A-Za-z0-9]$/.test(host)) return null;
  const end = at + 1 + host.length;
  if (!/^xmpp:/i.test(text.slice(start, at))) return { start, end };
  const resource = matchAt(/\/[A-Za-z0-9@.]{0,255}/y, text, end);
  if (end + resource.length === text.length && isOpen) return WAIT;
  return { start, end: end + resource.replace(/\.+$|^\/$/, "").length };
}

/**
 * Return where an address of mail begins whose part before the `@` ends at an index; the index itself where none ends there.
 *
 * @param {string} text
 * @param {number} end
 */
export function mailboxStart(text, end) {
  const before = text.slice(Math.max(0, end - MAX_MAILBOX_LENGTH - 8), end);
  const mailbox = /[A-Za-z0-9.+_-]*$/.exec(before)?.[0] ?? "";
  if (mailbox.length > MAX_MAILBOX_LENGTH) return end;
  const scheme = /(?:^|[^A-Za-z0-9.+_-])((?:mailto|xmpp):)$/i.exec(before.slice(0, before.length - mailbox.length))?.[1] ?? "";
  return end - mailbox.length - scheme.length;
}

/**
 * Return an address without the marks behind it that belong to the sentence.
 *
 * @param {string} written
 */
function withoutMarks(written) {
  let end = written.length;
  let surplus = count(written, ")") - count(written, "(");
  for (;;) {
    const last = written[end - 1];
    const reference = last === ";" ? (/&[A-Za-z0-9]+;$/.exec(written.slice(Math.max(0, end - 34), end))?.[0] ?? "") : "";
    if (reference) end -= reference.length;
    else if (last === ")" && surplus > 0) [surplus, end] = [surplus - 1, end - 1];
    else if (last && /[?!.,:;*_~'"\]]/.test(last)) end--;
    else return written.slice(0, end);
  }
}

/** @type {(text: string, character: string) => number} Count how often a character stands in a text. */
function count(text, character) {
  return text.split(character).length - 1;
}
