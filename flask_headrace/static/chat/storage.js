/**
 * What the browser remembers for this page.
 *
 * Knows keys and JSON. A browser may refuse to store, or be full: the page then works on, and forgets.
 */

export class Storage {
  /** `area` names the storage, "localStorage" or "sessionStorage"; `prefix` keeps pages on one origin apart. */
  constructor(area, prefix) {
    this.prefix = prefix;
    try {
      this.area = window[area];
    } catch {
      this.area = null;
    }
  }

  /** Return what was stored, or null. */
  read(key) {
    try {
      return JSON.parse(this.area.getItem(this.prefix + key));
    } catch {
      return null;
    }
  }

  /** Store a value; null forgets it. Return whether that worked. */
  write(key, value) {
    try {
      if (value === null) this.area.removeItem(this.prefix + key);
      else this.area.setItem(this.prefix + key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }
}
