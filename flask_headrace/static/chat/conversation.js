/**
 * The conversation: its turns, the messages that a model receives of them, and what is stored for a page that comes back.
 *
 * Knows what is stored and when. Does not know the DOM.
 */

import { documentText, proseText } from "../answer/parts.js";
import { newStreamId } from "../network/stream-id.js";

/** @import { ShownTurn } from "../answer/parts.js" */
/** @import { Times } from "./usage-meter.js" */

/**
 * How an answer can be resumed: the stream's id, the model that was requested, the time of the request in milliseconds since
 * 1970, whether the server has answered, and the number of the last event in the turn. `isShared` if another tab sent it.
 * @typedef {{id: string, model?: string, askedAt: number, isAccepted: boolean, cursor: string, isShared?: boolean}} TurnStream
 *
 * A turn. `stream` is null once the answer cannot be resumed, `times` once they are in the facts. `reasoningState` is what the
 * model's provider wants back with the next question; null where there is nothing.
 * @typedef {ShownTurn & {stream: TurnStream | null, times: Times | null, reasoningState?: string | null}} Turn
 *
 * A conversation with an answer that is coming, for other tabs.
 * @typedef {{id: string, at: number, turns: Turn[]}} SharedConversation
 *
 * Where values are stored by key. `write` removes the value where it is null; `read` returns null where there is none.
 * @typedef {{read: (key: string) => unknown, write: (key: string, value: unknown) => void}} Store
 */

/** A growing answer is stored at most once in this time. */
const SAVE_INTERVAL_MS = 1000;
/** Characters of `reasoningState` that are kept and sent, of the latest answers: browsers and requests have no room for all. */
const MAX_STATE_CHARACTERS = 256 * 1024;
/** Time for which an answer may be resumable: the longest answer, and its retention after its end. */
const MAX_SHARED_AGE_MS = 15 * 60_000;

/** The turns of one conversation, stored as they change. */
export class Conversation {
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;
  /** @type {string | null} The id of the stream that other tabs can find. */
  #sharedId = null;

  /**
   * Restore the stored conversation, or begin an empty one.
   *
   * @param {Store} storage this tab's own
   * @param {Store} shared where another tab finds a conversation whose answer is coming
   */
  constructor(storage, shared) {
    this.storage = storage;
    this.shared = shared;
    const stored = storage.read("turns");
    this.turns = areTurns(stored) ? stored : this.#adoptShared();
  }

  /**
   * Add a turn for a question, and return it.
   *
   * @param {string} question
   * @param {string | undefined} model undefined for the server's default
   * @param {object} [schema] the JSON Schema of the answer; undefined for an answer in text
   */
  add(question, model, schema) {
    const turn = /** @type {Turn} */ ({ question });
    this.#forgetOldStates();
    this.turns.push(turn);
    this.restart(turn, model, schema);
    return turn;
  }

  /**
   * Prepare a turn whose answer is requested, or requested once more: nothing is left of an answer before.
   *
   * @param {Turn} turn
   * @param {string | undefined} model undefined for the server's default
   * @param {object} [schema] the JSON Schema of the answer; undefined for an answer in text
   */
  restart(turn, model, schema) {
    const stream = { id: newStreamId(), model, askedAt: Date.now(), isAccepted: false, cursor: "0" };
    const empty = { parts: [], reasoningState: null, state: "waiting", note: "", model: "", facts: [], times: null };
    Object.assign(turn, empty, { schema, stream });
  }

  /** Forget what providers want back of answers that lie so far back that there is no more room. */
  #forgetOldStates() {
    let left = MAX_STATE_CHARACTERS;
    for (const turn of this.turns.toReversed()) {
      left -= turn.reasoningState?.length ?? 0;
      if (left < 0) turn.reasoningState = null;
    }
  }

  /** Remove all turns. */
  clear() {
    this.turns = [];
    this.save();
  }

  /** The last turn, if its answer is still coming and can be resumed; or null. */
  get pending() {
    const turn = this.turns.at(-1);
    return turn?.stream && isPending(turn) ? turn : null;
  }

  /** Save soon, because the answer has grown. */
  saveSoon() {
    this.#timer ??= setTimeout(() => this.save(), SAVE_INTERVAL_MS);
  }

  /** Store the conversation now. */
  save() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    // A page that comes back cannot resume an answer without a stream.
    const isAbandoned = (/** @type {Turn} */ turn) => isPending(turn) && !turn.stream;
    const stopped = { state: "stopped", note: "Stopped when the page was left." };
    this.storage.write("turns", this.turns.map((turn) => (isAbandoned(turn) ? { ...turn, ...stopped } : turn)));
    this.#share();
  }

  /** Let other tabs find the conversation while its answer is coming, and no longer. */
  #share() {
    const id = this.pending?.stream?.id;
    if (id) {
      this.#sharedId = id;
      /** @type {SharedConversation} */
      const conversation = { id, at: Date.now(), turns: this.turns };
      this.shared.write("coming", conversation);
    } else if (this.#sharedId) {
      if (this.#readShared()?.id === this.#sharedId) this.shared.write("coming", null);
      this.#sharedId = null;
    }
  }

  /** Return the turns of a conversation that another tab shares; none where there is no such conversation. */
  #adoptShared() {
    const { at = 0, turns } = this.#readShared() ?? {};
    const stream = areTurns(turns) ? turns.at(-1)?.stream : null;
    if (!turns || !stream || Date.now() - at > MAX_SHARED_AGE_MS) {
      this.shared.write("coming", null);
      return [];
    }
    stream.isShared = true;
    return turns;
  }

  #readShared() {
    return /** @type {SharedConversation | null} */ (this.shared.read("coming"));
  }

  /**
   * Return the messages that request a turn's answer. A question that was never answered is left out.
   *
   * @param {Turn} turn
   */
  messagesFor(turn) {
    const earlier = this.turns.slice(0, this.turns.indexOf(turn));
    const answered = earlier.map((turn) => ({ ...turn, text: answerText(turn) })).filter(({ text }) => text.trim());
    return [
      ...answered.flatMap(({ question, text, reasoningState }) => [
        { role: "user", content: question },
        { role: "assistant", content: text, ...(reasoningState && { reasoning_state: reasoningState }) },
      ]),
      { role: "user", content: turn.question },
    ];
  }
}

/**
 * Return whether this page can show what was stored: another version of the page may have stored something else.
 *
 * @param {unknown} stored
 * @returns {stored is Turn[]}
 */
function areTurns(stored) {
  return Array.isArray(stored) && stored.every(({ parts }) => Array.isArray(parts));
}

/** @param {Turn} turn */
function answerText({ schema, parts }) {
  return schema ? documentText(parts) : proseText(parts);
}

/** @param {Turn} turn */
function isPending({ state }) {
  return state === "waiting" || state === "flowing";
}
