/**
 * The answers that are coming, of all conversations of this tab.
 *
 * Knows what is kept while they come. What is on the page, chat.js knows.
 */

import { AnswerRun } from "./answer-run.js";

/** @import { TurnView } from "../answer/turn-view.js" */
/** @import { Conversation } from "../conversation/conversation.js" */
/** @import { Turn } from "../conversation/turn.js" */
/** @import { AnswerEvent } from "../network/resumable-connection.js" */
/** @import { Saver } from "../store/saver.js" */

/**
 * What the answers use, and whom they tell: `onEnd` is called when an answer has ended, to the reader's eye; `onUnauthorized` when the
 * service asks for a key.
 * @typedef {object} RunsOptions
 * @property {string} api
 * @property {() => Record<string, string>} headers
 * @property {(text: string) => void} say
 * @property {Saver} saver
 * @property {(conversation: Conversation) => void} onEnd
 * @property {() => void} onUnauthorized
 */

/** Receives answers, and keeps them as they grow. */
export class AnswerRuns {
  /** @type {Map<string, AnswerRun>} By the ids of their turns. */
  #runs = new Map();

  /** @param {RunsOptions} options */
  constructor(options) {
    this.options = options;
  }

  /** @param {Turn} turn whether its answer is coming here */
  has(turn) {
    return this.#runs.has(turn.id);
  }

  /** @param {Turn} turn whether its answer comes here, rather than to another tab only */
  isReceiving(turn) {
    return this.#runs.get(turn.id)?.isReceiving === true;
  }

  /** @param {Conversation} conversation the one whose answer is wanted, if one is coming */
  coming(conversation) {
    return this.#of(conversation.id).find(({ isComing }) => isComing);
  }

  /** @param {string} id of a conversation; it is returned if an answer of it is coming */
  conversation(id) {
    return this.#of(id)[0]?.conversation;
  }

  /** @param {Turn} turn whose answer is to be stopped */
  stop(turn) {
    this.#runs.get(turn.id)?.stop();
  }

  /** @param {{viewOf: (turn: Turn) => TurnView | undefined}} list what is on the page: answers are shown there from here on */
  attach(list) {
    for (const run of this.#runs.values()) run.attach(list.viewOf(run.turn) ?? null);
  }

  /** @param {Conversation} conversation one of which another tab has kept news */
  wake(conversation) {
    for (const run of this.#of(conversation.id)) run.wake();
  }

  /** @param {string} id of a conversation that was removed: its answers are stopped, and not kept */
  forget(id) {
    this.options.saver.forget(id);
    for (const run of this.#of(id)) {
      this.#runs.delete(run.turn.id);
      run.stop();
    }
  }

  /**
   * Receive the answer of a turn until it ends.
   *
   * @param {Conversation} conversation
   * @param {Turn} turn
   * @param {TurnView | null} view shows the answer
   * @param {{isOwn: boolean}} origin whether this tab asks now
   * @returns {Promise<{isGone: boolean}>} whether the server had no more of the answer
   */
  async receive(conversation, turn, view, origin) {
    const { api, headers, say, saver } = this.options;
    const onEvent = (/** @type {AnswerEvent} */ event) => this.#onEvent(run, event);
    const run = new AnswerRun(conversation, turn, { api, headers, say, onEvent }, origin);
    // A stream that was stopped may still be telling what it has taken.
    this.#runs.get(turn.id)?.abandon();
    this.#runs.set(turn.id, run);
    run.attach(view);
    if (origin.isOwn) saver.now(conversation.stored);
    try {
      await run.receive();
    } finally {
      if (this.#runs.get(turn.id) === run) this.#runs.delete(turn.id);
    }
    return run.reducer;
  }

  /** @type {(run: AnswerRun, event: AnswerEvent) => void} */
  #onEvent(run, event) {
    const { conversation, turn, isOwner, isComing } = run;
    const { saver, onEnd, onUnauthorized } = this.options;
    if (event.type === "error" && event.code === "unauthorized") onUnauthorized();
    if (this.#runs.get(turn.id) !== run) return;
    if (isOwner) {
      conversation.touch(turn);
      if (isComing && event.type !== "accepted") saver.soon(conversation.stored);
      else saver.now(conversation.stored);
    }
    if (!isComing) onEnd(conversation);
  }

  /** @param {string} id of a conversation */
  #of(id) {
    return [...this.#runs.values()].filter(({ conversation }) => conversation.id === id);
  }
}
