/**
 * Keeps conversations as they change: a growing answer now and then, everything else at once.
 *
 * Knows when something is kept. Where, the store knows.
 */

/** @import { StoredConversation } from "../conversation/conversation.js" */
/** @import { ConversationStore } from "./conversation-store.js" */

/** A growing answer is kept at most once in this time. */
const INTERVAL_MS = 1000;

/** Writes conversations to a store. */
export class Saver {
  /** @type {Map<string, {conversation: StoredConversation, timer: ReturnType<typeof setTimeout>}>} */
  #waiting = new Map();

  /** @param {ConversationStore} store */
  constructor(store) {
    this.store = store;
  }

  /**
   * Keep a conversation soon, because an answer has grown.
   *
   * @param {StoredConversation} conversation
   */
  soon(conversation) {
    const { id } = conversation;
    if (this.#waiting.has(id)) return;
    this.#waiting.set(id, { conversation, timer: setTimeout(() => this.now(conversation), INTERVAL_MS) });
  }

  /**
   * Keep a conversation now. A conversation without a turn, of which nothing is kept yet, is nothing to keep.
   *
   * @param {StoredConversation} conversation
   */
  async now(conversation) {
    this.forget(conversation.id);
    try {
      await this.store.write(conversation);
    } catch (error) {
      console.warn("A conversation could not be kept:", error);
    }
  }

  /**
   * Do not keep a conversation that was to be kept soon.
   *
   * @param {string} id
   */
  forget(id) {
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
  }

  /** Keep everything now, because the page is being left. */
  flush() {
    for (const { conversation } of this.#waiting.values()) this.now(conversation);
  }
}
