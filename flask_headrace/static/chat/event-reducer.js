/**
 * Applies the events of one answer to its turn, to the page and to the meter.
 *
 * Knows what each event means to a reader, and the words for it. Does not know connections, nor elements of the page.
 */

import { appendPiece, findCall, hasContent } from "../answer/parts.js";
import { UsageMeter } from "./usage-meter.js";

/** @import { Part, ShownTurn, TurnState } from "../answer/parts.js" */
/** @import { AnswerEvent } from "../network/resumable-connection.js" */
/** @import { CancelledEvent, DoneEvent, ErrorEvent, ToolEvent } from "../network/stream.js" */
/** @import { Turn } from "./conversation.js" */

/**
 * What shows the answer: TurnView.
 *
 * @typedef {object} AnswerSink
 * @property {(note: string) => void} reset
 * @property {(piece: Part) => void} append
 * @property {(reason: string) => void} showInterruption
 * @property {(turn: ShownTurn) => void} finish
 *
 * @typedef {DoneEvent | ErrorEvent | CancelledEvent | {type: "stopped"}} TerminalEvent
 */

/** @type {Record<string, string>} The note of a cancelled answer, by the reason. */
const CANCELLED_NOTES = {
  stopped: "This answer was stopped from another page.",
  reader_left: "The connection was away for so long that the model was stopped.",
};

/** @type {Record<string, string>} The note of an answer that its model ended early, by the finish reason. */
const CUT_NOTES = {
  length: "This answer was cut at its limit of tokens.",
  content_filter: "This answer was cut by the content filter.",
  pause: "The model has paused here, before the end of its answer.",
};

/** Applies the events of one answer, in their order, to its turn and to what shows the turn. */
export class EventReducer {
  /** Whether the server had no more of an answer that this page tried to resume. */
  isGone = false;
  /** Why the model ended the answer; "" before it did. The event comes before `done`, and again where that was missed. */
  #finishReason = "";

  /**
   * @param {Turn} turn changed in place
   * @param {AnswerSink} answer
   * @param {{say: (text: string) => void}} announcer reads a text out
   */
  constructor(turn, answer, announcer) {
    this.turn = turn;
    this.answer = answer;
    this.announcer = announcer;
    this.meter = new UsageMeter(now(), turn.times);
    turn.times = this.meter.times;
  }

  /**
   * Apply the next event. The turn and its cursor change together, so that they always fit each other.
   *
   * @param {AnswerEvent} event
   */
  apply(event) {
    this.#reduce(event);
    if (event.cursor !== undefined && this.turn.stream) this.turn.stream.cursor = event.cursor;
  }

  /** @param {AnswerEvent} event */
  #reduce(event) {
    const { turn, answer, meter } = this;
    switch (event.type) {
      case "accepted":
        if (turn.stream) turn.stream.isAccepted = true;
        break;
      case "not_resumable":
        turn.stream = null;
        break;
      case "disconnected":
        this.#showInterruption();
        break;
      case "reconnected":
        answer.showInterruption("");
        break;
      case "start":
        turn.model = event.model;
        break;
      case "delta":
        turn.state = "flowing";
        this.#append({ type: "text", text: event.text });
        break;
      case "reasoning":
        this.#append({ type: "reasoning", text: event.text });
        break;
      case "reasoning_state":
        turn.reasoningState = event.reasoning_state;
        break;
      case "tool":
        turn.state = "flowing";
        this.#appendCall(event);
        break;
      case "restart":
        Object.assign(turn, { parts: [], reasoningState: null, state: "waiting", model: event.model ?? turn.model });
        turn.note = `Begun again with ${turn.model}: ${event.reason}`;
        answer.reset(turn.note);
        this.announcer.say(turn.note);
        break;
      case "usage":
        meter.usage = event;
        break;
      case "end":
        this.#finishReason = event.finish_reason;
        break;
      case "done":
      case "stopped":
      case "cancelled":
      case "error":
        this.#finish(event);
    }
  }

  /** @param {Part} piece */
  #append(piece) {
    this.meter.countDelta(now());
    appendPiece(this.turn.parts, piece);
    this.answer.append(piece);
  }

  /** @param {ToolEvent} event */
  #appendCall({ call: index, name, delta = "", arguments: value }) {
    const call = findCall(this.turn.parts, index);
    if (!name && !call) return;
    // Some providers send the arguments only as a whole.
    const text = value && !call?.text ? JSON.stringify(value) : delta;
    this.#append({ type: "call", index, text, ...(name && { name }), ...(value ? { isComplete: true } : {}) });
  }

  #showInterruption() {
    const isAccepted = this.turn.stream?.isAccepted;
    const reason = isAccepted ? "Connection lost. Reconnecting…" : "The server cannot be reached. Trying again…";
    this.answer.showInterruption(reason);
    this.announcer.say(reason);
  }

  /** @param {TerminalEvent} event */
  #finish(event) {
    const { turn, answer } = this;
    const { state, note } = endOf(event, turn.parts, this.#finishReason);
    Object.assign(turn, { state, note, facts: this.meter.facts() });
    const isResumable = event.type === "error" && event.isResumable;
    if (!isResumable) Object.assign(turn, { stream: null, times: null });
    const isUnknown = event.type === "error" && event.code === "gone";
    this.isGone = isUnknown || (event.type === "cancelled" && event.reason === "reader_left");
    answer.finish(turn);
    // A failure is an alert already.
    if (state !== "failed") this.announcer.say(note || "The answer is complete.");
  }
}

/**
 * Return the state of an answer that has ended, and its note.
 *
 * @param {TerminalEvent} event
 * @param {Part[]} parts
 * @param {string} finishReason
 * @returns {{state: TurnState, note: string}}
 */
function endOf(event, parts, finishReason) {
  switch (event.type) {
    case "done":
      if (Object.hasOwn(CUT_NOTES, finishReason)) return { state: "cut", note: CUT_NOTES[finishReason] };
      return { state: "done", note: hasContent(parts) ? "" : "The model had nothing to say." };
    case "stopped":
      return { state: "stopped", note: hasContent(parts) ? "You stopped this answer." : "You stopped before the first token." };
    case "cancelled":
      return { state: "stopped", note: cancelledNote(event.reason) };
    case "error": {
      const wait = event.retryAfterSeconds ? ` Try again in ${event.retryAfterSeconds} s.` : "";
      return { state: "failed", note: event.message + wait };
    }
  }
}

/** @param {string} reason why the server cancelled the answer */
function cancelledNote(reason) {
  if (Object.hasOwn(CANCELLED_NOTES, reason)) return CANCELLED_NOTES[reason];
  return `The server ended this answer${reason ? `: ${reason}` : ""}.`;
}

/** Return the current time in milliseconds, on a clock that goes on when the page is loaded again. */
function now() {
  return performance.timeOrigin + performance.now();
}
