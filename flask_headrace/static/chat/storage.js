/**
 * What the browser stores for this page.
 *
 * Knows keys and JSON. A browser may refuse to store, or be full: the page then works on, and forgets.
 */

/** Stores values of JSON under keys with a prefix. Never throws. */
export class JSONStorage {
  /** @type {Storage | null} */
  #area;

  /**
   * @param {"localStorage" | "sessionStorage"} area
   * @param {string} prefix put before each key, to keep pages on one origin apart
   */
  constructor(area, prefix) {
    this.prefix = prefix;
    try {
      this.#area = window[area];
    } catch {
      this.#area = null;
    }
  }

  /**
   * Return a stored value.
   *
   * @param {string} key
   * @returns {unknown} null where nothing is stored, or it cannot be read
   */
  read(key) {
    try {
      return JSON.parse(this.#area?.getItem(this.prefix + key) ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * Store a value, and return whether that succeeded.
   *
   * @param {string} key
   * @param {unknown} value anything that JSON can express; null removes the stored value
   */
  write(key, value) {
    if (!this.#area) return false;
    try {
      if (value === null) this.#area.removeItem(this.prefix + key);
      else this.#area.setItem(this.prefix + key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }
}
