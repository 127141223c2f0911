/**
 * Applies the events of one answer to its turn, to the page and to the meter.
 *
 * Knows what each event means to a reader, and the words for it. Does not know connections, nor elements of the page.
 */

import { noteText } from "../answer/note-text.js";
import { appendPiece, callsOf, hasContent, hasOutcome, lastStep, needsDecision } from "../answer/parts.js";
import { ReasoningStopwatch } from "../answer/reasoning-stopwatch.js";
import { translate } from "../words/words.js";
import { toCallPiece } from "./call-pieces.js";
import { UsageMeter, addUsage } from "./usage-meter.js";

/** @import { Note, Part, ShownTurn, TurnState } from "../answer/parts.js" */
/** @import { AnswerEvent } from "../network/resumable-connection.js" */
/** @import { CancelledEvent, DoneEvent, ErrorEvent, RestartEvent, ToolEvent } from "../network/stream.js" */
/** @import { Turn } from "./turn.js" */

/**
 * What shows the answer: TurnView.
 *
 * @typedef {object} AnswerSink
 * @property {(note: Note | null) => void} reset
 * @property {(turn: ShownTurn) => void} restore
 * @property {(piece: Part) => void} append
 * @property {(reason: string) => void} showInterruption
 * @property {(turn: ShownTurn) => void} finish
 * @property {(turn: ShownTurn) => void} showFacts
 *
 * @typedef {DoneEvent | ErrorEvent | CancelledEvent | {type: "stopped"}} TerminalEvent
 */

/** @type {Record<string, string>} The code of the note of a cancelled answer, by the reason. */
const CANCELLED_CODES = { stopped: "stopped-elsewhere", reader_left: "reader-left" };

/** @type {Record<string, string>} The code of the note of an answer that its model ended early, by the finish reason. */
const CUT_CODES = { length: "cut", content_filter: "filtered", pause: "paused" };

/** Codes of a service that does not accept a decision about a tool call: it came too late, or was used before. */
const REFUSED_CODES = new Set(["invalid_request", "stream_conflict"]);

/** Applies the events of one answer, in their order, to its turn and to what shows the turn. */
export class EventReducer {
  /** Whether the server had no more of an answer that this page tried to resume. */
  isGone = false;
  /** Whether the answer has ended: nothing is added to it any more. */
  isEnded = false;
  /** Why the model ended the answer; "" before it did. The event comes before `done`, and again where that was missed. */
  #finishReason = "";
  #stopwatch = new ReasoningStopwatch(now);

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
    this.earlierCalls = callsOf(turn.parts.slice(0, turn.base ?? 0)).length;
  }

  /**
   * Apply the next event. The turn and its cursor change together, so that they always fit each other.
   *
   * @param {AnswerEvent} event
   */
  apply(event) {
    this.#reduce(event);
    const { stream } = this.turn;
    if (event.cursor !== undefined && stream) Object.assign(stream, { cursor: event.cursor, isAccepted: true });
  }

  /** End the answer, because the reader has stopped it: of what still comes only the usage counts. */
  stop() {
    this.#finish({ type: "stopped" });
  }

  /** @param {AnswerEvent} event */
  #reduce(event) {
    if (this.isEnded && event.type !== "usage") return;
    const { turn, answer } = this;
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
        this.#append({ type: "reasoning", text: event.text, durationMs: this.#stopwatch.lap(turn.parts.at(-1)) });
        break;
      case "reasoning_state":
        turn.reasoningState = event.reasoning_state;
        break;
      case "tool":
        turn.state = "flowing";
        this.#appendCall(event);
        break;
      case "step":
        this.#endStep();
        break;
      case "restart":
        this.#restart(event);
        break;
      case "usage":
        turn.usage = addUsage(turn.usageBefore, event);
        if (this.isEnded) answer.showFacts(turn);
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
    // What comes after the results of tools is another step, also from a source that does not say so.
    if (piece.type !== "call" || piece.name) this.#endStepWithResults();
    this.meter.countDelta(now());
    this.#add(piece);
  }

  /** @param {Part} piece */
  #add(piece) {
    const last = this.turn.parts.at(-1);
    // A run of reasoning ends where another part begins, which may be long after its last text.
    if (last?.type === "reasoning") last.durationMs = this.#stopwatch.lap(last);
    appendPiece(this.turn.parts, piece);
    this.answer.append(piece);
  }

  /** @param {ToolEvent} event */
  #appendCall(event) {
    const piece = toCallPiece(event, this.turn.parts, this.earlierCalls);
    if (!piece) return;
    if (piece.name || piece.text) return this.#append(piece);
    // The model is silent while tools run.
    if (!piece.isComplete) this.meter.pause();
    this.#add(piece);
  }

  #endStep() {
    const { turn } = this;
    if (!turn.parts.length || turn.parts.at(-1)?.type === "step") return;
    this.#add({ type: "step", text: "", ...(turn.reasoningState && { reasoningState: turn.reasoningState }) });
    turn.reasoningState = null;
  }

  #endStepWithResults() {
    if (callsOf(lastStep(this.turn.parts)).some(hasOutcome)) this.#endStep();
  }

  /** @type {(event: RestartEvent) => void} Void what this stream has sent; what streams before it have sent stays. */
  #restart({ model, reason }) {
    const { turn, answer } = this;
    const parts = turn.parts.slice(0, turn.base ?? 0);
    Object.assign(turn, { parts, reasoningState: null, state: parts.length ? "flowing" : "waiting", model: model ?? turn.model });
    turn.note = { code: "restarted", model: turn.model, reason };
    answer.reset(turn.note);
    if (parts.length) answer.restore(turn);
    this.announcer.say(noteText(turn.note));
  }

  /** Let calls that the reader has decided about not run: the service does not accept the decisions. */
  #refuseDecisions(/** @type {string} */ error) {
    for (const call of callsOf(this.turn.parts)) {
      if (call.decision && !hasOutcome(call)) this.#add({ type: "call", index: call.index, text: "", error });
    }
  }

  #showInterruption() {
    const isAccepted = this.turn.stream?.isAccepted;
    const reason = translate(isAccepted ? "connection.lost" : "connection.unreachable");
    this.answer.showInterruption(reason);
    this.announcer.say(reason);
  }

  /** @param {TerminalEvent} event */
  #finish(event) {
    // What a reader has stopped has ended, however the server ends it.
    if (this.isEnded) return;
    this.isEnded = true;
    const { turn, answer } = this;
    if (event.type === "error" && REFUSED_CODES.has(event.code)) this.#refuseDecisions(event.message);
    Object.assign(turn, endOf(event, turn.parts, this.#finishReason));
    const isResumable = event.type === "error" && event.isResumable;
    if (!isResumable) turn.stream = null;
    const isUnknown = event.type === "error" && event.code === "gone";
    this.isGone = isUnknown || (event.type === "cancelled" && event.reason === "reader_left");
    answer.finish(turn);
    // A failure is an alert already.
    if (turn.state === "failed") return;
    const words = turn.state === "undecided" ? translate("answer.undecided") : translate("answer.complete");
    this.announcer.say(turn.note ? noteText(turn.note) : words);
  }
}

/**
 * Return the state of an answer that has ended, and its note.
 *
 * @param {TerminalEvent} event
 * @param {Part[]} parts
 * @param {string} finishReason
 * @returns {{state: TurnState, note: Note | null}}
 */
function endOf(event, parts, finishReason) {
  switch (event.type) {
    case "done":
      if (callsOf(lastStep(parts)).some(needsDecision)) return { state: "undecided", note: null };
      if (Object.hasOwn(CUT_CODES, finishReason)) return { state: "cut", note: { code: CUT_CODES[finishReason] } };
      return { state: "done", note: hasContent(parts) ? null : { code: "empty" } };
    case "stopped":
      return { state: "stopped", note: { code: hasContent(parts) ? "stopped" : "stopped-early" } };
    case "cancelled":
      return { state: "stopped", note: cancelledNote(event.reason) };
    case "error":
      return { state: "failed", note: { code: "failed", error: event } };
  }
}

/** @type {(reason: string) => Note} Return the note of an answer that the server has cancelled. */
function cancelledNote(reason) {
  if (Object.hasOwn(CANCELLED_CODES, reason)) return { code: CANCELLED_CODES[reason] };
  return reason ? { code: "ended-because", reason } : { code: "ended" };
}

/** Return the current time in milliseconds, on a clock that goes on when the page is loaded again. */
function now() {
  return performance.timeOrigin + performance.now();
}
