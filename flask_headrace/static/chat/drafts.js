/**
 * What a reader has written and not sent, for each conversation.
 *
 * Knows one value of a storage. Of many drafts the latest stay.
 */

/** @import { JSONStorage } from "./storage.js" */

const MAX_DRAFTS = 50;

/** Keeps drafts. */
export class Drafts {
  /** @param {JSONStorage} storage */
  constructor(storage) {
    this.storage = storage;
  }

  /** @param {string} id of a conversation; "" for a new one */
  read(id) {
    const text = Object.fromEntries(this.#all())[id];
    return typeof text === "string" ? text : "";
  }

  /**
   * Keep a draft.
   *
   * @param {string} id of a conversation; "" for a new one
   * @param {string} text "" for none
   */
  write(id, text) {
    if (text === this.read(id)) return;
    const others = this.#all().filter(([other]) => other !== id);
    this.storage.write("drafts", text ? [...others, [id, text]].slice(-MAX_DRAFTS) : others);
  }

  /** @returns {[string, unknown][]} */
  #all() {
    const stored = this.storage.read("drafts");
    return Array.isArray(stored) ? stored.filter((entry) => Array.isArray(entry) && entry.length === 2) : [];
  }
}
