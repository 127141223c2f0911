/**
 * Reading a text from an index on.
 */

/** An index that stands for "wait": more of the text must be seen first. */
export const WAIT = -1;

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
