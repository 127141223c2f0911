/**
 * Which addresses of an answer a reader may be sent to.
 *
 * Knows addresses only. A model's text is never trusted: whatever is not plainly http, https or mailto is text.
 */

import { decodeReference } from "./entities.js";

/**
 * Return a link's destination or title with its escapes and character references decoded.
 *
 * @param {string} text
 */
export function unescape(text) {
  return text.replace(
    /\\([!-/:-@[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});/g,
    (/** @type {string} */ all, /** @type {string | undefined} */ escaped) => escaped ?? decodeReference(all),
  );
}

/**
 * Return the address of a link that a reader may follow.
 *
 * The host is returned as a browser resolves it, in ASCII: "аррӏе.com", in Cyrillic, becomes xn--80ak6aa92e.com.
 *
 * @param {string} address
 * @returns {string | null} null for an address that a reader must not be sent to
 */
export function safeHref(address) {
  // A browser drops tabs and line breaks inside an address and controls around it ("java\tscript:" is a scheme), takes a
  // backslash for a slash, and shows marks that turn the direction of text around.
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Z}\\]/u.test(address)) return null;
  const [, scheme, authority] = /^(https?:\/\/)([^/?#]+)/i.exec(address) ?? [];
  const url = authority || /^mailto:[^/]/i.test(address) ? parseURL(address) : null;
  if (!url || !["http:", "https:", "mailto:"].includes(url.protocol)) return null;
  if (!authority) return address;
  // "https://good.com@evil.example" leads to evil.example: what stands before the @ only looks like a host.
  if (authority.includes("@")) return null;
  return url.hostname === hostOf(address) ? address : scheme + url.host + address.slice(scheme.length + authority.length);
}

/**
 * Return the host of an address as it is written, in lower case; "" where the address has none.
 *
 * @param {string} address
 */
export function hostOf(address) {
  return /^https?:\/\/(\[[^\]]*\]|[^/?#:]*)/i.exec(address)?.[1].toLowerCase() ?? "";
}

/**
 * Return an address as a URL; null where it is none.
 *
 * @param {string} address
 */
function parseURL(address) {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
