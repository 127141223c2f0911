/**
 * The tokens of JSON (RFC 8259), as patterns that also find how far an unfinished token is valid.
 *
 * A pattern whose name ends in START matches the longest valid beginning of a token: where the match stops before the text
 * does, the next character is the first that no token can have in this place. The server's tokens.py has the same patterns.
 */

/** Most characters of a number. */
export const MAX_NUMBER_LENGTH = 1024;

/** The white space of JSON. */
export const BLANKS = " \t\n\r";

/** A character that may not stand in a string as it is: a quote, a backslash, a control character, half a surrogate pair. */
export const SPECIAL = /["\\\u0000-\u001f\ud800-\udfff]/gu;

/** The first half of a surrogate pair, alone: a piece was cut inside the pair. */
export const HIGH_SURROGATE = /^[\ud800-\udbff]$/u;

/** An escape; an escaped high surrogate only together with the low one after it, and never a low one alone. */
export const ESCAPE =
  /\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))/y;
/** The longest valid beginning of an escape. */
export const ESCAPE_START =
  /\\(?:u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{0,2}|[dD](?:[0-7][0-9a-fA-F]?|[89abAB](?:[0-9a-fA-F](?:[0-9a-fA-F](?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?)?)?)?/y;
/** The longest valid beginning of a number. */
export const NUMBER_START =
  /-?(?:(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE](?:[+-]?[0-9]*)?)?)?|[eE](?:[+-]?[0-9]*)?)?)?/y;
/** The longest valid beginning of `true`, `false` or `null`. */
export const LITERAL_START = /t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?/y;

/** Any token of a text that is known to be JSON. */
export const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** @type {ReadonlyMap<string, boolean | null>} The values of the three literals. */
export const LITERALS = new Map([["true", true], ["false", false], ["null", null]]);

/**
 * Match a pattern from an index on; a sticky pattern, exactly at the index.
 *
 * @param {RegExp} pattern with the flag `g` or `y`
 * @param {string} text
 * @param {number} index
 * @returns {RegExpExecArray | null}
 */
export function matchAt(pattern, text, index) {
  pattern.lastIndex = index;
  return pattern.exec(text);
}

/**
 * Return the index at which the match of a sticky pattern ends; `index` itself where there is none.
 *
 * @param {RegExp} pattern with the flag `y`
 * @param {string} text
 * @param {number} [index] where the match begins
 */
export function matchEnd(pattern, text, index = 0) {
  const found = matchAt(pattern, text, index);
  return found ? index + found[0].length : index;
}

/**
 * Return the index of the first character, from `index` on, that is no white space; the text's length where there is none.
 *
 * @param {string} text
 * @param {number} index
 */
export function skipBlanks(text, index) {
  while (index < text.length && BLANKS.includes(text[index])) index++;
  return index;
}

/**
 * Return the character that an escape, or a pair of escaped surrogates, stands for.
 *
 * @param {string} escape as ESCAPE matches it
 * @returns {string}
 */
export function unescape(escape) {
  return JSON.parse(`"${escape}"`);
}

/**
 * Return whether the valid beginning of a number is a number itself: "-" and "1." are not.
 *
 * @param {string} start as NUMBER_START matches it
 */
export function isCompleteNumber(start) {
  return /[0-9]$/.test(start);
}
