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

/** Return the address if a reader may be sent there, else null. */
export function safeHref(address) {
  // A browser drops tabs and line breaks inside an address and controls around it: "java\tscript:" is a scheme.
  if (/[\u0000-\u0020\u007f-\u009f\u00a0\u2028\u2029]/.test(address)) return null;
  if (!/^(?:https?:\/\/[^/\\]|mailto:[^/\\])/i.test(address)) return null;
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(address).protocol) ? address : null;
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
