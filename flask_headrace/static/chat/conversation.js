/**
 * The conversation: its turns, the messages that a model receives of them, and what is stored for a page that comes back.
 *
 * Knows what is stored and when. Does not know the DOM.
 */

import { callsOf, isUndecided, lastStep, needsDecision } from "../answer/parts.js";
import { newStreamId } from "../network/stream-id.js";
import { conversationMessages, keptParts } from "./messages.js";

/** @import { CallPart, Decision, ShownTurn } from "../answer/parts.js" */
/** @import { Usage } from "../network/stream.js" */
/** @import { Times } from "./usage-meter.js" */

/**
 * How an answer can be resumed: the stream's id, the model that was requested, the time of the request in milliseconds since
 * 1970, whether the server has answered, and the number of the last event in the turn. `isShared` if another tab sent it.
 * @typedef {{id: string, model?: string, askedAt: number, isAccepted: boolean, cursor: string, isShared?: boolean}} TurnStream
 *
 * A turn. `stream` is null once the answer cannot be resumed, `times` once they are in the facts. `reasoningState` is what the
 * model's provider wants back of the last step with the next question; null where there is nothing. `requested` is the model that
 * was requested. An answer that goes on after a decision of the reader, or after a failure, has several streams: `base` counts
 * the parts of the ones before, and `usage` is what they took.
 * @typedef {ShownTurn & {stream: TurnStream | null, times: Times | null, reasoningState?: string | null, requested?: string,
 *   base?: number, usage?: Usage | null}} Turn
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
/** Bytes of arguments and results of tool calls that are kept and sent, of the latest answers, for the same reason. */
const MAX_CALL_BYTES = 512 * 1024;
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
    this.#forgetOld();
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
    const empty = { parts: [], reasoningState: null, state: "waiting", note: "", model: "", facts: [], times: null };
    Object.assign(turn, empty, { schema, stream: newStream(model), requested: model, base: 0, usage: null });
  }

  /**
   * Prepare a turn whose answer goes on with what the reader has decided: all that has come stays.
   *
   * @param {Turn} turn
   */
  proceed(turn) {
    if (turn.parts.at(-1)?.type !== "step") {
      turn.parts.push({ type: "step", text: "", ...(turn.reasoningState && { reasoningState: turn.reasoningState }) });
    }
    const begun = { reasoningState: null, state: "flowing", note: "", facts: [], times: null };
    Object.assign(turn, begun, { base: turn.parts.length, stream: newStream(turn.requested) });
  }

  /**
   * Prepare a turn whose answer broke off: it goes on after the last step whose tools have run, or else begins anew.
   *
   * @param {Turn} turn
   * @param {string | undefined} model undefined for the server's default
   * @param {object} [schema] the JSON Schema of an answer that begins anew
   */
  retry(turn, model, schema) {
    const kept = keptParts(turn.parts);
    if (!kept) return this.restart(turn, model, schema);
    if (kept < turn.parts.length) {
      const mark = turn.parts[kept];
      turn.reasoningState = mark.type === "step" ? mark.reasoningState : null;
      turn.parts = turn.parts.slice(0, kept);
    }
    turn.requested = model;
    this.proceed(turn);
  }

  /**
   * Record what the reader has decided about a tool call.
   *
   * @param {CallPart} call
   * @param {Decision} decision
   */
  decide(call, decision) {
    call.decision = decision;
    this.save();
  }

  /**
   * Let the calls that wait for a decision not run, because the reader goes on without one.
   *
   * @returns {{turn: Turn, calls: CallPart[]} | null} the last turn, with these calls; null where none waits
   */
  skipDecisions() {
    const turn = this.turns.at(-1);
    if (turn?.state !== "undecided") return null;
    const calls = callsOf(lastStep(turn.parts)).filter(needsDecision);
    // Decisions are sent together, so that none of them was.
    for (const call of calls) Object.assign(call, { decision: undefined, isSkipped: true });
    turn.state = "done";
    return { turn, calls };
  }

  /** Forget what providers want back, and results of tools, of answers that lie so far back that there is no more room. */
  #forgetOld() {
    let left = MAX_STATE_CHARACTERS;
    let leftForCalls = MAX_CALL_BYTES;
    for (const turn of this.turns.toReversed()) {
      for (const holder of [turn, ...turn.parts.filter(({ type }) => type === "step").toReversed()]) {
        if (!("reasoningState" in holder)) continue;
        left -= holder.reasoningState?.length ?? 0;
        if (left < 0) holder.reasoningState = null;
      }
      for (const call of callsOf(turn.parts).toReversed()) {
        leftForCalls -= sentBytes(call);
        if (leftForCalls < 0 && call.runsHere) Object.assign(call, { result: undefined, isForgotten: true });
      }
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
   * Return the messages that request a turn's answer, or the rest of it. A question that was never answered is left out.
   *
   * @param {Turn} turn
   */
  messagesFor(turn) {
    return conversationMessages(this.turns.slice(0, this.turns.indexOf(turn)), turn);
  }
}

/**
 * Return the calls of a turn that wait for the reader's decision.
 *
 * @param {Turn} turn
 */
export function undecidedCalls({ parts }) {
  return callsOf(lastStep(parts)).filter(isUndecided);
}

/** @type {(call: CallPart) => number} Return how many bytes of a request a call takes: its result is sent as text inside of JSON. */
function sentBytes({ arguments: given = "", result = "" }) {
  return new TextEncoder().encode(given + JSON.stringify(result)).length;
}

/** @type {(model: string | undefined) => TurnStream} */
function newStream(model) {
  return { id: newStreamId(), model, askedAt: Date.now(), isAccepted: false, cursor: "0" };
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
function isPending({ state }) {
  return state === "waiting" || state === "flowing";
}
