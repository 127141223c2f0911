/**
 * Keeps conversations as they change: a growing answer now and then, everything else at once.
 *
 * Knows when something is kept. Where, the store knows. A store takes its time, which a page that is being left does not have: what
 * is not kept by then goes into a journal, which takes it at once, and into the store when the page comes back.
 */

/** @import { StoredConversation } from "../conversation/conversation.js" */
/** @import { ConversationStore } from "./conversation-store.js" */

/**
 * Where values are stored by key, at once. `read` returns null where there is none.
 * @typedef {{read: (key: string) => unknown, write: (key: string, value: unknown) => boolean}} Journal
 */

/** A growing answer is kept at most once in this time. */
const INTERVAL_MS = 1000;
const JOURNAL_KEY = "unwritten";

/** Writes conversations to a store. */
export class Saver {
  /** @type {Map<string, {conversation: StoredConversation, timer: ReturnType<typeof setTimeout>}>} */
  #waiting = new Map();
  /** @type {Map<string, StoredConversation>} The conversations with changes that the store does not have yet. */
  #unwritten = new Map();

  /**
   * @param {ConversationStore} store
   * @param {Journal} journal this tab's own
   */
  constructor(store, journal) {
    this.store = store;
    this.journal = journal;
  }

  /** Give the store what the page could not give to it when it was left. */
  async recover() {
    const left = this.journal.read(JOURNAL_KEY);
    for (const conversation of Array.isArray(left) ? left : []) await this.now(conversation);
    this.journal.write(JOURNAL_KEY, null);
  }

  /**
   * Keep a conversation soon, because an answer has grown.
   *
   * @param {StoredConversation} conversation
   */
  soon(conversation) {
    const { id } = conversation;
    this.#unwritten.set(id, conversation);
    if (this.#waiting.has(id)) return;
    this.#waiting.set(id, { conversation, timer: setTimeout(() => this.now(conversation), INTERVAL_MS) });
  }

  /**
   * Keep a conversation now. A conversation without a turn, of which nothing is kept yet, is nothing to keep.
   *
   * @param {StoredConversation} conversation
   */
  async now(conversation) {
    const { id } = conversation;
    this.forget(id);
    this.#unwritten.set(id, conversation);
    const { changedAt } = conversation;
    try {
      await this.store.write(conversation);
      if (conversation.changedAt === changedAt) this.#unwritten.delete(id);
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
    this.#unwritten.delete(id);
  }

  /** Keep everything now, because the page is being left. */
  flush() {
    this.journal.write(JOURNAL_KEY, this.#unwritten.size ? [...this.#unwritten.values()] : null);
    for (const { conversation } of this.#waiting.values()) this.now(conversation);
  }
}
