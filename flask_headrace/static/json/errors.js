/**
 * What can be wrong with a JSON text.
 */

/** @import { Op } from "./document.js" */

/** @typedef {"malformed" | "incomplete" | "too deep" | "too long"} JSONErrorKind */

/** The text is not JSON, or exceeds a limit. */
export class JSONError extends Error {
  /**
   * What the piece that has the error changed before it.
   *
   * @type {Op[]}
   */
  ops = [];

  /**
   * @param {JSONErrorKind} kind
   * @param {string} message
   * @param {number} at UTF-16 units of the whole text before the one with the error
   */
  constructor(kind, message, at) {
    super(`${message}, at character ${at}`);
    this.name = "JSONError";
    this.kind = kind;
    this.at = at;
  }
}
