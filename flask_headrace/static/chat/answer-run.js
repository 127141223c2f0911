/**
 * One answer while it comes, from the question to its end, whether it is on the page or not.
 *
 * Knows who may ask: of several tabs that show an answer one asks the question and keeps what comes; the others follow, and take over
 * when that tab is closed.
 */

import { EventReducer } from "../conversation/event-reducer.js";
import { sentSchema } from "../conversation/turn.js";
import { encodeJSON } from "../json/json-text.js";
import { streamAnswer } from "../network/resumable-connection.js";
import { stopStream } from "../network/stop-stream.js";
import { errorEvent } from "../network/stream.js";
import { translate } from "../words/words.js";

/** @import { TurnView } from "../answer/turn-view.js" */
/** @import { Conversation } from "../conversation/conversation.js" */
/** @import { AnswerSink } from "../conversation/event-reducer.js" */
/** @import { Turn, TurnStream } from "../conversation/turn.js" */
/** @import { AnswerEvent } from "../network/resumable-connection.js" */

/**
 * @typedef {object} RunOptions
 * @property {string} api address of the API
 * @property {() => Record<string, string>} headers the headers that authorize a request
 * @property {(text: string) => void} say reads a text out, where the answer is on the page
 * @property {(event: AnswerEvent) => void} onEvent called after each event, when the turn has changed
 */

/** After a stop, the server tells within this time what the answer has taken. */
const SETTLE_MS = 3000;
/** A question that was on its way for longer, and has no answer, is sent again by its reader only. */
const MAX_ARRIVAL_MS = 120_000;

/** @type {(keyof AnswerSink)[]} */
const OPERATIONS = ["reset", "restore", "append", "showInterruption", "finish", "showFacts"];

/** Receives the answer of one turn. */
export class AnswerRun {
  /** @type {TurnView | null} What shows the answer; null where another conversation is on the page. */
  #view = null;
  #interruption = "";
  #controller = new AbortController();
  /** @type {() => void} Ends what the run waits for before it may ask. */
  #wake = () => {};

  /**
   * @param {Conversation} conversation
   * @param {Turn} turn a turn with a stream
   * @param {RunOptions} options
   * @param {{isOwn: boolean}} origin whether this tab asks now; else it follows, or asks once the tab that has asked is closed
   */
  constructor(conversation, turn, options, { isOwn }) {
    this.conversation = conversation;
    this.turn = turn;
    this.options = options;
    /** Whether this tab keeps what comes. */
    this.isOwner = isOwn;
    /** Whether the answer comes here, or has come, rather than to another tab only. */
    this.isReceiving = false;
    /** @type {() => void} Lets another tab take over. */
    this.release = () => {};
    const operations = OPERATIONS.map((name) => [name, (/** @type {never[]} */ ...values) => this.#show(name, values)]);
    this.reducer = new EventReducer(turn, Object.fromEntries(operations), { say: (text) => this.#view && options.say(text) });
  }

  /** Whether the answer is still coming, to the reader's eye. */
  get isComing() {
    return !this.reducer.isEnded;
  }

  /**
   * Show the answer in this view from here on.
   *
   * @param {TurnView | null} view one that shows what has come; null for none
   */
  attach(view) {
    this.#view = view;
    if (this.#interruption) view?.showInterruption(this.#interruption);
  }

  /** Receive the answer until it ends. Nothing is thrown: whatever happens, the answer has ended after this. */
  async receive() {
    const { turn, conversation } = this;
    try {
      await this.#claim();
      if (!turn.stream || this.reducer.isEnded) return;
      this.isReceiving = true;
      const body = { messages: conversation.messagesFor(turn), model: turn.stream.model, schema: sentSchema(turn) };
      const { api, headers } = this.options;
      const options = { api, encode: encodeJSON, signal: this.#controller.signal, headers };
      for await (const event of streamAnswer({ ...turn.stream, isAccepted: !this.#mayAsk(turn.stream), body }, options)) this.#apply(event);
    } catch (error) {
      console.error(error);
      const message = translate("note.page-error", { reason: String(error) });
      this.#apply(errorEvent({ code: "page_error", message }));
    } finally {
      this.release();
    }
  }

  /** Stop the answer, here and on the server. What it has taken is still heard. */
  stop() {
    const { stream } = this.turn;
    if (stream) {
      const { api, headers } = this.options;
      stopStream(`${api}/streams/${stream.id}`, { isAccepted: stream.isAccepted, headers: headers() });
    }
    this.isOwner = true;
    this.reducer.stop();
    this.options.onEvent({ type: "stopped" });
    setTimeout(() => this.abandon(), SETTLE_MS);
    this.#wake();
  }

  /** Receive no more: the server goes on, or stops the model when nobody comes back. */
  abandon() {
    this.#controller.abort();
    this.#wake();
  }

  /** Another tab has kept news of the turn. */
  wake() {
    if (this.turn.stream?.isAccepted || !this.turn.stream) this.#wake();
  }

  /** @param {AnswerEvent} event */
  #apply(event) {
    // What comes after a stop, other than what the answer took, is of no use.
    if (this.reducer.isEnded && (event.type !== "usage" || this.#controller.signal.aborted)) return;
    const isUnknown = event.type === "error" && event.code === "gone" && this.turn.stream?.isAccepted === false;
    this.reducer.apply(isUnknown ? { ...event, code: "never_answered", message: translate("note.never-answered") } : event);
    this.options.onEvent(event);
  }

  /**
   * Become the tab that keeps the answer, or the one that takes over from it. Browsers without locks, as on addresses without TLS,
   * let every tab keep what comes, which is the same.
   */
  async #claim() {
    const { stream } = this.turn;
    if (!navigator.locks || !stream) {
      this.isOwner = true;
      return;
    }
    const claimed = new Promise((resolve) => {
      const over = new Promise((release) => (this.release = () => release(undefined)));
      navigator.locks.request(`headrace:${stream.id}`, { signal: this.#controller.signal }, () => {
        this.isOwner = true;
        resolve(undefined);
        return over;
      }).catch(() => {});
      if (this.isOwner || stream.isAccepted) resolve(undefined);
      this.#wake = () => resolve(undefined);
    });
    await claimed;
  }

  /**
   * Return whether the question may be sent. One that was asked long ago, or on a clock that was set since, is only looked for: sent
   * again it could be answered twice.
   *
   * @param {TurnStream} stream
   */
  #mayAsk({ isAccepted, askedAt }) {
    return !isAccepted && Math.abs(Date.now() - askedAt) < MAX_ARRIVAL_MS;
  }

  /** @type {(name: keyof AnswerSink, values: never[]) => void} */
  #show(name, values) {
    if (name === "showInterruption") [this.#interruption] = values;
    try {
      /** @type {(...values: never[]) => void} */ (this.#view?.[name])?.apply(this.#view, values);
    } catch (error) {
      // What cannot be shown is kept all the same.
      console.error(error);
    }
  }
}
