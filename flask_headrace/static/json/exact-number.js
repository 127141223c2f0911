/**
 * Numbers whose digits a JavaScript number does not keep, such as 9007199254740993, 1e400 and 1.50.
 *
 *   new PartialJSON({ parseNumber: exactNumber })
 */

/** A JSON number with the digits that its text has. */
export class ExactNumber {
  /** @param {string} digits the number as it stood in the JSON text */
  constructor(digits) {
    this.digits = digits;
  }

  /** The number as it stood in the JSON text. */
  toString() {
    return this.digits;
  }
}

/**
 * Return a number; an ExactNumber where a JavaScript number would be written with other digits.
 *
 * @param {string} digits a JSON number
 * @returns {number | ExactNumber}
 */
export function exactNumber(digits) {
  const value = Number(digits);
  return String(value) === digits ? value : new ExactNumber(digits);
}
