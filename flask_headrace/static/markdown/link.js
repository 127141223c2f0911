/**
 * Where a link of an answer may lead.
 *
 * Knows addresses only. What a model writes is never trusted: all that is not plainly http, https or mailto is text.
 */

const NAMED = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®", trade: "™", deg: "°",
  ndash: "–", mdash: "—", hellip: "…", times: "×", divide: "÷", larr: "←", rarr: "→", middot: "·", bull: "•", euro: "€",
};

/** Decode one character reference, given with its `&` and `;`. One that is not known stays as it is. */
export function decodeEntity(entity) {
  const name = entity.slice(1, -1);
  if (name[0] !== "#") return Object.hasOwn(NAMED, name) ? NAMED[name] : entity;
  const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
  const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return valid ? String.fromCodePoint(code) : "\ufffd";
}

/** Undo the escapes and character references of a link's destination or title. */
export function unescape(text) {
  return text.replace(/\\([!-/:-@[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,9});/g, (all, mark) =>
    mark ?? decodeEntity(all),
  );
}

/**
 * Return the address if a reader may be sent there, else null.
 *
 * Its host is written as the browser will take it, in ASCII: "аррӏе.com", in Cyrillic, is xn--80ak6aa92e.com.
 */
export function safeHref(address) {
  // A browser drops tabs and line breaks inside an address and controls around it ("java\tscript:" is a scheme), takes a
  // backslash for a slash, and shows marks that turn the direction of text around.
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Z}\\]/u.test(address)) return null;
  const [, scheme, authority] = /^(https?:\/\/)([^/?#]+)/i.exec(address) ?? [];
  const url = authority || /^mailto:[^/]/i.test(address) ? parsed(address) : null;
  if (!url || !["http:", "https:", "mailto:"].includes(url.protocol)) return null;
  if (!authority) return address;
  // "https://good.com@evil.example" leads to evil.example: what stands before the @ is a name for it.
  if (authority.includes("@")) return null;
  return url.hostname === hostOf(address) ? address : scheme + url.host + address.slice(scheme.length + authority.length);
}

/** Return the host of an address as it is written, in small letters; "" where it has none. */
export function hostOf(address) {
  return /^https?:\/\/(\[[^\]]*\]|[^/?#:]*)/i.exec(address)?.[1].toLowerCase() ?? "";
}

function parsed(address) {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}

/** Split a bare address from the punctuation that follows it in a sentence: `[address, rest]`. */
export function splitBare(text) {
  let end = text.length;
  let surplus = count(text, ")") - count(text, "(");
  for (; end > 0; end--) {
    const last = text[end - 1];
    if (last === ")" ? surplus-- <= 0 : !/[?!.,:;*_~'"\]]/.test(last)) break;
  }
  return [text.slice(0, end), text.slice(end)];
}

function count(text, mark) {
  return text.split(mark).length - 1;
}
