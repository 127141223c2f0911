/**
 * Where conversations are kept: the interface, and a memory for browsers that keep nothing.
 *
 * Knows no conversation's inside beyond what a list shows of it. Another place needs the same operations: see remote-store.js.
 */

import { summaryOf } from "./summary.js";

/** @import { StoredConversation } from "../conversation/conversation.js" */
/** @import { Summary } from "./summary.js" */

/**
 * What has happened to a conversation: another tab, or this page, has written or removed it.
 * @typedef {{id: string, isRemoved: boolean, isOwn: boolean}} StoreChange
 *
 * What a reader has to know: `evicted` (conversations with these titles were removed, because there was no more room), `full` (nothing can be
 * kept any more), `forgetful` (this browser keeps nothing).
 * @typedef {{code: "evicted" | "full" | "forgetful", titles?: string[]}} StoreProblem
 *
 * Keeps conversations. `write` keeps one, together with what other tabs have written of it. `remove` returns what it has removed.
 * @typedef {object} ConversationStore
 * @property {() => Promise<Summary[]>} list the conversations, the one that changed last first
 * @property {(id: string) => Promise<StoredConversation | null>} read
 * @property {(conversation: StoredConversation) => Promise<void>} write
 * @property {(id: string) => Promise<StoredConversation | null>} remove
 * @property {(listener: (change: StoreChange) => void) => void} onChange
 */

/**
 * Keeps conversations for as long as the page is open.
 *
 * @implements {ConversationStore}
 */
export class MemoryStore {
  /** @type {Map<string, StoredConversation>} */
  #kept = new Map();
  /** @type {((change: StoreChange) => void)[]} */
  #listeners = [];

  async list() {
    return [...this.#kept.values()].map(summaryOf).sort((one, other) => other.changedAt - one.changedAt);
  }

  /** @param {string} id */
  async read(id) {
    return structuredClone(this.#kept.get(id) ?? null);
  }

  /** @param {StoredConversation} conversation */
  async write(conversation) {
    this.#kept.set(conversation.id, structuredClone(conversation));
    this.#tell({ id: conversation.id, isRemoved: false, isOwn: true });
  }

  /** @param {string} id */
  async remove(id) {
    const removed = this.#kept.get(id) ?? null;
    this.#kept.delete(id);
    this.#tell({ id, isRemoved: true, isOwn: true });
    return removed;
  }

  /** @param {(change: StoreChange) => void} listener */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** @param {StoreChange} change */
  #tell(change) {
    for (const listener of this.#listeners) listener(change);
  }
}
