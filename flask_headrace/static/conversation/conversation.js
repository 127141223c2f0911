/**
 * One conversation: its turns, what is asked of them, and the messages that a model receives.
 *
 * Nothing that was asked or answered is ever overwritten: a question that is edited, and an answer that is asked for again, are
 * versions beside the ones before. Does not know the DOM, nor where conversations are kept.
 */

import { callsOf, hasContent, lastStep, needsDecision } from "../answer/parts.js";
import { newStreamId } from "../network/stream-id.js";
import { conversationMessages, keptParts } from "./messages.js";
import { ROOT, addTurn, mergeTrees, pathOf, removeTurn, versionsOf } from "./turn-tree.js";
import { isPending, newStream, titleOf } from "./turn.js";

/** @import { CallPart, Decision } from "../answer/parts.js" */
/** @import { Request, Turn } from "./turn.js" */

/**
 * A conversation as it is kept: see turn-tree.js for its turns. `title` is "" where the first question is the title. Turns before
 * the one with the id `startsAt` are shown, and not sent any more; "" sends all. Times are milliseconds since 1970.
 * @typedef {{id: string, title: string, createdAt: number, changedAt: number, startsAt: string, turns: Turn[],
 *   selected: Record<string, string>, removed: Record<string, number>}} StoredConversation
 */

/** Return an empty conversation, ready to be kept. @returns {StoredConversation} */
export function newConversation(now = Date.now()) {
  const times = { createdAt: now, changedAt: now };
  return { id: newStreamId(), title: "", ...times, startsAt: "", turns: [], selected: {}, removed: {} };
}

/**
 * Return two states of one conversation as one.
 *
 * @param {StoredConversation} one
 * @param {StoredConversation} other
 * @returns {StoredConversation}
 */
export function mergeConversations(one, other) {
  const [older, newer] = one.changedAt > other.changedAt ? [other, one] : [one, other];
  return { ...older, ...newer, ...mergeTrees(older, newer) };
}

/** The turns of one conversation, and what a reader does with them. */
export class Conversation {
  /**
   * @param {StoredConversation} stored changed in place
   * @param {() => number} [now] milliseconds since 1970
   */
  constructor(stored = newConversation(), now = Date.now) {
    this.stored = stored;
    this.now = now;
  }

  get id() {
    return this.stored.id;
  }

  /** The turns that are shown, oldest first. */
  get turns() {
    return pathOf(this.stored);
  }

  /** The first question's first line, or the name that the reader has given. */
  get title() {
    return this.stored.title || titleOf(this.turns[0]?.question ?? "");
  }

  /** The last turn, if its answer is still coming and can be resumed; or null. */
  get pending() {
    const turn = this.turns.at(-1);
    return turn?.stream && isPending(turn) ? turn : null;
  }

  /**
   * Note that a turn has changed, so that this tab's state of it goes before that of other tabs.
   *
   * @param {Turn} turn
   */
  touch(turn) {
    turn.changedAt = this.#touch(turn.changedAt);
  }

  /**
   * Add a question at the end, and return its turn.
   *
   * @param {string} question
   * @param {Request} request
   */
  add(question, request) {
    return this.#add(question, this.turns.at(-1)?.id ?? ROOT, request);
  }

  /**
   * Ask once more at a turn's place, and return the turn to be received: another version where there is an answer already.
   *
   * @param {Turn} turn
   * @param {Request} request
   * @param {string} [question] the question that is asked instead
   */
  askAgain(turn, request, question = turn.question) {
    if (question === turn.question && !hasContent(turn.parts)) return this.#restart(turn, request);
    return this.#add(question, turn.parent, request);
  }

  /**
   * Ask for the rest of an answer that broke off, after the last step whose tools have run; where there is none, ask once more.
   *
   * @param {Turn} turn
   * @param {Request} request
   */
  retry(turn, request) {
    const kept = keptParts(turn.parts);
    if (!kept) return this.askAgain(turn, request);
    const again = kept < turn.parts.length ? this.#copy(turn, kept) : turn;
    again.requested = request.model;
    return this.proceed(again);
  }

  /**
   * Go on with an answer that was cut, stopped or lost in the middle of its text: what has come stays, and more comes after it.
   *
   * @param {Turn} turn one that `canContinue` accepts
   * @param {Request} request
   */
  continueAnswer(turn, { model }) {
    turn.parts.push({ type: "continuation", text: "" });
    turn.requested = model;
    return this.#goOn(turn);
  }

  /**
   * Go on with an answer with what the reader has decided: all that has come stays.
   *
   * @param {Turn} turn
   */
  proceed(turn) {
    if (turn.parts.at(-1)?.type !== "step") {
      turn.parts.push({ type: "step", text: "", ...(turn.reasoningState && { reasoningState: turn.reasoningState }) });
    }
    return this.#goOn(turn);
  }

  /**
   * Show another version of a turn, and what follows it.
   *
   * @param {Turn} turn
   */
  select(turn) {
    this.stored.selected[turn.parent] = turn.id;
    this.#touch();
  }

  /**
   * Return the versions of a turn, oldest first, the turn itself among them.
   *
   * @param {Turn} turn
   */
  versionsOf(turn) {
    return versionsOf(this.stored, turn);
  }

  /**
   * Remove a turn with its versions; what follows stays.
   *
   * @param {Turn} turn
   * @returns {() => void} brings it back
   */
  remove(turn) {
    const undo = removeTurn(this.stored, turn, this.#touch());
    return () => undo(this.#touch());
  }

  /**
   * Take over what another tab has kept of this conversation.
   *
   * @param {StoredConversation} stored
   * @param {(turn: Turn) => boolean} isKept whether a turn stays as it is here
   * @returns {Turn[]} the turns that have changed
   */
  adopt(stored, isKept) {
    const own = new Map(this.stored.turns.map((turn) => [turn.id, turn]));
    const merged = mergeConversations(this.stored, stored);
    /** @type {Turn[]} */
    const changed = [];
    const turns = merged.turns.map((turn) => {
      const before = own.get(turn.id);
      if (!before || before === turn || isKept(before)) return before ?? turn;
      changed.push(before);
      return Object.assign(before, turn);
    });
    Object.assign(this.stored, merged, { turns });
    return changed;
  }

  /**
   * Give the conversation a name.
   *
   * @param {string} title "" for its first question
   */
  rename(title) {
    this.stored.title = title;
    this.#touch();
  }

  /**
   * Send only a turn and what comes after it from here on.
   *
   * @param {Turn | null} turn null to send all turns
   */
  startAt(turn) {
    this.stored.startsAt = turn?.id ?? "";
    this.#touch();
  }

  /**
   * Record what the reader has decided about a tool call.
   *
   * @param {Turn} turn
   * @param {CallPart} call
   * @param {Decision} decision
   */
  decide(turn, call, decision) {
    call.decision = decision;
    this.touch(turn);
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
    this.touch(turn);
    return { turn, calls };
  }

  /** The turns that are sent with the next question, oldest first. */
  get sentTurns() {
    const { turns } = this;
    return turns.slice(Math.max(0, turns.findIndex(({ id }) => id === this.stored.startsAt)));
  }

  /**
   * Return the messages that request a turn's answer, or the rest of it. A question that was never answered is left out.
   *
   * @param {Turn} turn
   */
  messagesFor(turn) {
    const sent = this.sentTurns;
    return conversationMessages(sent.slice(0, Math.max(0, sent.indexOf(turn))), turn);
  }

  /** @type {(question: string, parent: string, request: Request) => Turn} */
  #add(question, parent, request) {
    const now = this.#touch();
    const turn = /** @type {Turn} */ ({ id: newStreamId(), parent, createdAt: now, changedAt: now, question });
    addTurn(this.stored, turn);
    return this.#restart(turn, request);
  }

  /** @type {(turn: Turn, kept: number) => Turn} Add a version with the first parts of a turn. */
  #copy(turn, kept) {
    const { model, schema, schemaText } = turn;
    const copy = this.#add(turn.question, turn.parent, { schema, schemaText });
    const mark = turn.parts[kept];
    const reasoningState = mark.type === "step" ? mark.reasoningState : null;
    return Object.assign(copy, { parts: structuredClone(turn.parts.slice(0, kept)), model, reasoningState, usage: turn.usage });
  }

  /** @type {(turn: Turn, request: Request) => Turn} Prepare a turn of which nothing has come. */
  #restart(turn, { model, schema, schemaText }) {
    const empty = { parts: [], reasoningState: null, state: "waiting", note: null, model: "", times: null, usage: null };
    Object.assign(turn, empty, { schema, stream: newStream(model, this.now()), requested: model, base: 0, usageBefore: null });
    if (schemaText || turn.schemaText) turn.schemaText = schemaText;
    this.touch(turn);
    return turn;
  }

  /** @param {Turn} turn */
  #goOn(turn) {
    const begun = { reasoningState: null, state: "flowing", note: null, times: null, usageBefore: turn.usage };
    Object.assign(turn, begun, { base: turn.parts.length, stream: newStream(turn.requested, this.now()) });
    this.touch(turn);
    return turn;
  }

  /** Note that the conversation has changed, after `before` at least, and return the time. */
  #touch(before = 0) {
    this.stored.changedAt = Math.max(this.now(), this.stored.changedAt + 1, before + 1);
    return this.stored.changedAt;
  }
}
