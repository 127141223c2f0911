/**
 * Which addresses of an answer a reader may be sent to.
 *
 * Knows addresses only. A model's text is never trusted: whatever is not plainly http, https or mailto is text.
 */

/** @type {{[name: string]: string}} */
const NAMED_ENTITIES = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®", trade: "™", deg: "°",
  ndash: "–", mdash: "—", hellip: "…", times: "×", divide: "÷", larr: "←", rarr: "→", middot: "·", bull: "•", euro: "€",
};

/**
 * Return the character that a character reference stands for.
 *
 * @param {string} entity with its `&` and `;`
 * @returns {string} the reference itself where its name is not known
 */
export function decodeEntity(entity) {
  const name = entity.slice(1, -1);
  if (name[0] !== "#") return Object.hasOwn(NAMED_ENTITIES, name) ? NAMED_ENTITIES[name] : entity;
  const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : "\ufffd";
}

/**
 * Return a link's destination or title with its escapes and character references decoded.
 *
 * @param {string} text
 */
export function unescape(text) {
  return text.replace(
    /\\([!-/:-@[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,9});/g,
    (/** @type {string} */ all, /** @type {string | undefined} */ escaped) => escaped ?? decodeEntity(all),
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

/**
 * Split a bare address from the punctuation that follows it in a sentence.
 *
 * @param {string} text
 * @returns {[address: string, punctuation: string]}
 */
export function splitBareAddress(text) {
  let end = text.length;
  let surplus = count(text, ")") - count(text, "(");
  for (; end > 0; end--) {
    const last = text[end - 1];
    if (last === ")" ? surplus-- <= 0 : !/[?!.,:;*_~'"\]]/.test(last)) break;
  }
  return [text.slice(0, end), text.slice(end)];
}

/** @type {(text: string, character: string) => number} Count how often a character stands in a text. */
function count(text, character) {
  return text.split(character).length - 1;
}
