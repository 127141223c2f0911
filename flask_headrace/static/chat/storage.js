/**
 * What the browser stores for this page.
 *
 * Knows keys and JSON. A browser may refuse to store, or be full: what it does not take is kept in memory, until the page is
 * left.
 */

/** Stores values of JSON under keys with a prefix. Never throws. */
export class JSONStorage {
  /** @type {Storage | null} */
  #area;
  /** The JSON texts that the browser does not store, by key; null for a value that it does not remove. @type {Map<string, string | null>} */
  #memory = new Map();

  /**
   * @param {"localStorage" | "sessionStorage"} area
   * @param {string} prefix put before each key, to keep pages on one origin apart
   */
  constructor(area, prefix) {
    this.prefix = prefix;
    try {
      this.#area = globalThis[area] ?? null;
    } catch {
      this.#area = null;
    }
  }

  /** Whether all that was written is stored by the browser, rather than kept in memory. */
  get isPersistent() {
    return this.#area !== null && this.#memory.size === 0;
  }

  /**
   * Return a stored value.
   *
   * @param {string} key
   * @returns {unknown} null where nothing is stored, or it cannot be read
   */
  read(key) {
    try {
      const text = this.#memory.has(key) ? this.#memory.get(key) : this.#area?.getItem(this.prefix + key);
      return JSON.parse(text ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * Store a value, and return whether the browser has taken it; if not, it is kept in memory.
   *
   * @param {string} key
   * @param {unknown} value anything that JSON can express; null or undefined removes the stored value
   */
  write(key, value) {
    let text;
    try {
      text = value === null ? undefined : JSON.stringify(value);
    } catch {
      return false; // no JSON
    }
    const isStored = this.#store(this.prefix + key, text);
    if (isStored) this.#memory.delete(key);
    else this.#memory.set(key, text ?? null);
    return isStored;
  }

  /**
   * Let the browser store a text, and return whether it has.
   *
   * @param {string} key
   * @param {string | undefined} text undefined removes what is stored
   */
  #store(key, text) {
    if (!this.#area) return false;
    try {
      if (text === undefined) this.#area.removeItem(key);
      else this.#area.setItem(key, text);
      return true;
    } catch {
      return false;
    }
  }
}
