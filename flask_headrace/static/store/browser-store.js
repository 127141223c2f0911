/**
 * Conversations in the browser's database, for all tabs of this page.
 *
 * Knows how much is kept, and that other tabs write as well. A browser may refuse to keep anything: see `openStore`.
 */

import { mergeConversations } from "../conversation/conversation.js";
import { MemoryStore } from "./conversation-store.js";
import { done, openDatabase, transact } from "./database.js";
import { summaryOf } from "./summary.js";

/** @import { StoredConversation } from "../conversation/conversation.js" */
/** @import { ConversationStore, StoreChange, StoreProblem } from "./conversation-store.js" */
/** @import { Summary } from "./summary.js" */

/** How much is kept at most: conversations, and characters in all of them. The oldest go first. */
const MAX_CONVERSATIONS = 500;
const MAX_CHARACTERS = 50_000_000;
/** For so long it is known that a conversation was removed, so that a tab that still shows it does not bring it back. */
const REMOVED_AGE_MS = 24 * 3600_000;
/** A database that does not open in this time is taken for one that does not open. */
const MAX_OPEN_MS = 5000;

/**
 * Return the store of this browser; one that forgets, where the browser keeps nothing.
 *
 * @param {string} name of the database: one for each service, and each user
 * @param {(problem: StoreProblem) => void} onProblem
 * @returns {Promise<ConversationStore>}
 */
export async function openStore(name, onProblem) {
  try {
    return new BrowserStore(await inTime(openDatabase(name)), name, onProblem);
  } catch (error) {
    console.warn("Conversations cannot be kept in this browser:", error);
    onProblem({ code: "forgetful" });
    return new MemoryStore();
  }
}

/**
 * Keeps conversations in IndexedDB.
 *
 * @implements {ConversationStore}
 */
export class BrowserStore {
  /** @type {((change: StoreChange) => void)[]} */
  #listeners = [];
  /** @type {BroadcastChannel} */
  #channel;

  /**
   * @param {IDBDatabase} database
   * @param {string} name
   * @param {(problem: StoreProblem) => void} onProblem
   */
  constructor(database, name, onProblem) {
    this.database = database;
    this.onProblem = onProblem;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.#tell({ ...data, isOwn: false });
  }

  /** @returns {Promise<Summary[]>} */
  async list() {
    /** @type {Summary[]} */
    const summaries = await this.#transact("readonly", (table) => done(table("summaries").getAll()));
    return summaries.sort((one, other) => other.changedAt - one.changedAt);
  }

  /**
   * @param {string} id
   * @returns {Promise<StoredConversation | null>}
   */
  async read(id) {
    return (await this.#transact("readonly", (table) => done(table("conversations").get(id)))) ?? null;
  }

  /** @param {StoredConversation} conversation */
  async write(conversation) {
    const { id } = conversation;
    try {
      const evicted = await this.#write(conversation);
      this.#announce({ id, isRemoved: false });
      if (evicted.length) this.onProblem({ code: "evicted", titles: evicted });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
      await this.#makeRoom(conversation);
    }
  }

  /**
   * @param {string} id
   * @returns {Promise<StoredConversation | null>}
   */
  async remove(id) {
    const removed = await this.#transact("readwrite", async (table) => {
      const stored = await done(table("conversations").get(id));
      removeFrom(table, id);
      await forgetRemoved(table("removed"));
      table("removed").put(Math.max(Date.now(), stored?.changedAt ?? 0), id);
      return stored ?? null;
    });
    this.#announce({ id, isRemoved: true });
    return removed;
  }

  /** @param {(change: StoreChange) => void} listener */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** @type {(conversation: StoredConversation) => Promise<string[]>} Keep a conversation; return the titles of those that had to go. */
  #write(conversation) {
    const { id } = conversation;
    return this.#transact("readwrite", async (table) => {
      const [stored, removedAt] = await Promise.all([done(table("conversations").get(id)), done(table("removed").get(id))]);
      if (removedAt >= conversation.changedAt) return [];
      const merged = stored ? mergeConversations(stored, conversation) : conversation;
      table("conversations").put(merged, id);
      table("summaries").put(summaryOf(merged), id);
      return this.#evict(table, id);
    });
  }

  /** @type {(table: (name: string) => IDBObjectStore, kept: string) => Promise<string[]>} */
  async #evict(table, kept) {
    /** @type {Summary[]} */
    const summaries = (await done(table("summaries").getAll())).sort((one, other) => other.changedAt - one.changedAt);
    let characters = 0;
    const evicted = summaries.filter(({ id, size }, place) => {
      characters += size;
      return (place >= MAX_CONVERSATIONS || characters > MAX_CHARACTERS) && id !== kept;
    });
    for (const { id } of evicted) removeFrom(table, id);
    return evicted.map(({ title }) => title);
  }

  /** @type {(conversation: StoredConversation) => Promise<void>} Keep a conversation in place of the oldest ones: the browser is full. */
  async #makeRoom(conversation) {
    const titles = [];
    for (const { id, title } of (await this.list()).reverse()) {
      if (id === conversation.id) continue;
      await this.remove(id);
      titles.push(title);
      const isKept = await this.#write(conversation).then(() => true, () => false);
      if (!isKept) continue;
      this.#announce({ id: conversation.id, isRemoved: false });
      return this.onProblem({ code: "evicted", titles });
    }
    this.onProblem({ code: "full" });
  }

  /**
   * @template Result
   * @param {"readonly" | "readwrite"} mode
   * @param {(table: (name: string) => IDBObjectStore) => Promise<Result>} work
   */
  #transact(mode, work) {
    return transact(this.database, ["conversations", "summaries", "removed", "files"], mode, work);
  }

  /** @param {{id: string, isRemoved: boolean}} change */
  #announce(change) {
    this.#channel.postMessage(change);
    this.#tell({ ...change, isOwn: true });
  }

  /** @param {StoreChange} change */
  #tell(change) {
    for (const listener of this.#listeners) listener(change);
  }
}

/** @type {<Result>(work: Promise<Result>) => Promise<Result>} Browsers have been seen that never answer. */
function inTime(work) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`the database did not open in ${MAX_OPEN_MS} ms`)), MAX_OPEN_MS);
    work.then(resolve, reject);
  });
}

/** @type {(table: (name: string) => IDBObjectStore, id: string) => void} */
function removeFrom(table, id) {
  table("conversations").delete(id);
  table("summaries").delete(id);
  table("files").delete(IDBKeyRange.bound([id], [id, []]));
}

/** @type {(removed: IDBObjectStore) => Promise<void>} Forget which conversations were removed long ago. */
async function forgetRemoved(removed) {
  const [ids, times] = await Promise.all([done(removed.getAllKeys()), done(removed.getAll())]);
  for (const [place, id] of ids.entries()) if (times[place] < Date.now() - REMOVED_AGE_MS) removed.delete(id);
}
