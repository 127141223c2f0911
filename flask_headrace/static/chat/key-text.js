/**
 * The text of an API key, as it can be sent.
 *
 * Knows what a copied key may have around and inside of it, and what a header can carry. Pure.
 */

/** Characters that nobody sees: controls, line ends, zero-width and direction marks, spaces other than the usual one. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]|(?! )\p{Zs}/gu;

/**
 * Return a key without the invisible characters that come along when it is copied from a page or a document.
 *
 * @param {string} text
 */
export function cleanKey(text) {
  return text.replace(INVISIBLE, "").trim();
}

/**
 * Return the characters of a key that no header can carry, each once; "" where the key can be sent.
 *
 * @param {string} key a key that was cleaned
 */
export function unsendableCharacters(key) {
  return [...new Set(key.match(/[^\x20-\x7e\xa0-\xff]/gu) ?? [])].join(" ");
}
