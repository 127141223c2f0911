/**
 * Reading a text from an index on.
 */

/**
 * Reads from an index on, and returns how many characters it has read; 0 when it must see more of them first.
 *
 * @typedef {(text: string, index: number) => number} Step
 */

/**
 * Return what a sticky pattern matches at an index; "" where it does not match.
 *
 * @param {RegExp} pattern with the flag `y`
 * @param {string} text
 * @param {number} index
 */
export function matchAt(pattern, text, index) {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? "";
}
