/**
 * Lines of a table as text: how many cells one has, and which one separates the head from the rows.
 */

const DELIMITERS = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/**
 * Return whether a line is the line of dashes below a head of so many cells.
 *
 * @param {string} line
 * @param {number} columns
 */
export function isDelimiters(line, columns) {
  return columns > 0 && /[|:]/.test(line) && DELIMITERS.test(line) && columnsOf(line) === columns;
}

/**
 * Return how many cells a line of a table has.
 *
 * @param {string} line
 */
export function columnsOf(line) {
  const cells = line.trim().replace(/^\|/, "").replace(/(^|[^\\])\|$/, "$1");
  return cells.replace(/\\[^]/g, "").split("|").length;
}
