/**
 * One answer as it is received: its events go into the turn, onto the page and into the meter.
 *
 * Knows what each event means to a reader, and the words for it. Knows nothing of connections.
 */

import { Meter } from "./meter.js";
import { callOf, grow, isBegun } from "./parts.js";

const CANCELLED = {
  stopped: "This answer was stopped from another page.",
  reader_left: "The connection was away for so long that the model was stopped.",
};

/** Why an answer that its model has ended is not whole, by the finish reason; any other is a whole one's. */
const CUT = {
  length: "This answer was cut at its limit of tokens.",
  content_filter: "This answer was cut by the content filter.",
  pause: "The model has paused here, before the end of its answer.",
};

export class Reception {
  constructor(turn, answer, announcer) {
    Object.assign(this, { turn, answer, announcer });
    this.meter = new Meter(clock(), turn.times);
    turn.times = this.meter.times;
    /** Why the model has ended the answer; null before. It comes just before the end, and again where that was missed. */
    this.finish = null;
    /** Whether the server had nothing more of an answer that this page came back for. */
    this.isGone = false;
  }

  /** Take the next event. What it changes is in the turn at once, so that turn and cursor always fit together. */
  take(event) {
    this.#event(event);
    if (event.cursor !== undefined && this.turn.stream) this.turn.stream.cursor = event.cursor;
  }

  #event(event) {
    const { turn, answer, meter } = this;
    switch (event.type) {
      case "begun":
        turn.stream.isBegun = true;
        break;
      case "plain":
        turn.stream = null;
        break;
      case "lost":
        this.#lost();
        break;
      case "back":
        answer.lost("");
        break;
      case "start":
        turn.model = event.model;
        break;
      case "delta":
        turn.state = "flowing";
        this.#grow({ type: "text", text: event.text });
        break;
      case "reasoning":
        this.#grow({ type: "reasoning", text: event.text });
        break;
      case "tool":
        turn.state = "flowing";
        this.#call(event);
        break;
      case "restart":
        Object.assign(turn, { parts: [], state: "waiting", model: event.model ?? turn.model });
        turn.note = `Begun again with ${turn.model}: ${event.reason}`;
        answer.begin(turn.note);
        this.announcer.say(turn.note);
        break;
      case "usage":
        meter.usage = event;
        break;
      case "end":
        this.finish = event.finish_reason;
        break;
      case "done":
      case "stopped":
      case "cancelled":
      case "error":
        this.#settle(event);
    }
  }

  #grow(piece) {
    this.meter.token(clock());
    grow(this.turn.parts, piece);
    this.answer.take(piece);
  }

  #call({ call, name, delta = "", arguments: whole }) {
    const told = callOf(this.turn.parts, call);
    if (!name && !told) return;
    // Some providers tell the arguments at once.
    const text = whole && !told?.text ? JSON.stringify(whole) : delta;
    this.#grow({ type: "call", call, text, ...(name && { name }), ...(whole && { isWhole: true }) });
  }

  #lost() {
    const sign = this.turn.stream.isBegun ? "Connection lost. Reconnecting…" : "The server cannot be reached. Trying again…";
    this.answer.lost(sign);
    this.announcer.say(sign);
  }

  #settle(event) {
    const { turn, answer } = this;
    const end = ending(event, turn, CUT[this.finish]);
    Object.assign(turn, end, { facts: this.meter.facts() });
    if (!event.isResumable) Object.assign(turn, { stream: null, times: null });
    this.isGone = event.code === "gone" || event.reason === "reader_left";
    answer.settle(turn);
    // A failure is an alert already.
    if (end.state !== "failed") this.announcer.say(end.note || "The answer is complete.");
  }
}

function ending(event, turn, cut) {
  switch (event.type) {
    case "done":
      if (cut) return { state: "cut", note: cut };
      return { state: "done", note: isBegun(turn.parts) ? "" : "The model had nothing to say." };
    case "stopped":
      return { state: "stopped", note: isBegun(turn.parts) ? "You stopped this answer." : "You stopped before the first token." };
    case "cancelled":
      return { state: "stopped", note: cancelled(event.reason) };
    default:
      return { state: "failed", note: event.message + (event.wait ? ` Try again in ${event.wait} s.` : "") };
  }
}

function cancelled(reason) {
  return CANCELLED[reason] ?? `The server ended this answer${reason ? `: ${reason}` : ""}.`;
}

/** Milliseconds on a clock that a reload does not set back. */
function clock() {
  return performance.timeOrigin + performance.now();
}
