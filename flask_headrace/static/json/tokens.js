/**
 * The words of JSON (RFC 8259), as patterns that also tell how far an unfinished one is right.
 *
 * A pattern whose name ends in START matches the longest beginning of a word: where it stops before the text does, the
 * character there is the first that no word can have in this place. The server's tokens.py has the same patterns.
 */

/** Characters that a number may have. */
export const MAX_NUMBER = 1024;

export const BLANKS = " \t\n\r";

/** What does not stand for itself in a string. Half of a surrogate pair is no character. */
export const SPECIAL = /["\\\u0000-\u001f\ud800-\udfff]/gu;

/** The first half of a pair, alone: a piece was cut inside the pair. */
export const HALF = /^[\ud800-\udbff]$/u;

// An escaped high surrogate is a part of a character only with a low one after it, and a low one never stands alone.
export const ESCAPE =
  /\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))/y;
export const ESCAPE_START =
  /\\(?:u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{0,2}|[dD](?:[0-7][0-9a-fA-F]?|[89abAB](?:[0-9a-fA-F](?:[0-9a-fA-F](?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?)?)?)?/y;
export const NUMBER_START =
  /-?(?:(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE](?:[+-]?[0-9]*)?)?)?|[eE](?:[+-]?[0-9]*)?)?)?/y;
export const LITERAL_START = /t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?/y;

export const LITERALS = new Map([["true", true], ["false", false], ["null", null]]);

/** What a pattern finds from this place on, or, where it is sticky, at this place; null where it finds nothing. */
export function find(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Where the longest match of a sticky pattern that begins at this place ends. */
export function reach(start, text, at = 0) {
  const found = find(start, text, at);
  return found ? at + found[0].length : at;
}

/** Where the blanks that begin at this place end. */
export function pastBlanks(text, at) {
  while (at < text.length && BLANKS.includes(text[at])) at++;
  return at;
}

/** The character that an escape, or a pair of them, stands for. */
export function unescaped(escape) {
  return JSON.parse(`"${escape}"`);
}

/** Whether the beginning of a number is a number already. */
export function isWhole(start) {
  return /[0-9]$/.test(start);
}
