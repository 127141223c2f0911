/**
 * One answer as it is received: its events go into the turn, onto the page and into the meter.
 *
 * Knows what each event means to a reader, and the words for it. Knows nothing of connections.
 */

import { Meter } from "./meter.js";

const CANCELLED = {
  stopped: "This answer was stopped from another page.",
  reader_left: "The connection was away for so long that the model was stopped.",
};

export class Reception {
  constructor(turn, answer, announcer) {
    Object.assign(this, { turn, answer, announcer });
    this.meter = new Meter(clock(), turn.times);
    turn.times = this.meter.times;
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
        meter.token(clock());
        turn.text += event.text;
        turn.state = "flowing";
        answer.text(event.text);
        break;
      case "reasoning":
        meter.token(clock());
        turn.reasoning += event.text;
        answer.reasoning(event.text);
        break;
      case "tool":
        this.#call(event);
        break;
      case "restart":
        Object.assign(turn, { text: "", reasoning: "", calls: [], state: "waiting", model: event.model ?? turn.model });
        turn.note = `Begun again with ${turn.model}: ${event.reason}`;
        answer.begin(turn.note);
        this.announcer.say(turn.note);
        break;
      case "usage":
        meter.usage = event;
        break;
      case "done":
      case "stopped":
      case "cancelled":
      case "error":
        this.#settle(event);
    }
  }

  #call({ call, name, delta, arguments: whole }) {
    const { turn, answer, meter } = this;
    meter.token(clock());
    turn.state = "flowing";
    if (name) turn.calls.push({ call, name, delta: "" });
    const called = turn.calls.findLast((one) => one.call === call);
    // Some providers tell the arguments at once.
    const piece = delta ?? (whole && !called?.delta ? JSON.stringify(whole) : "");
    if (called) called.delta += piece;
    answer.call({ call, name, delta: piece });
  }

  #lost() {
    const sign = this.turn.stream.isBegun ? "Connection lost. Reconnecting…" : "The server cannot be reached. Trying again…";
    this.answer.lost(sign);
    this.announcer.say(sign);
  }

  #settle(event) {
    const { turn, answer } = this;
    const end = ending(event, turn);
    Object.assign(turn, end, { facts: this.meter.facts() });
    if (!event.isResumable) Object.assign(turn, { stream: null, times: null });
    this.isGone = event.code === "gone" || event.reason === "reader_left";
    answer.settle(turn);
    // A failure is an alert already.
    if (end.state !== "failed") this.announcer.say(end.note || "The answer is complete.");
  }
}

function ending(event, turn) {
  switch (event.type) {
    case "done":
      return { state: "done", note: isBegun(turn) ? "" : "The model had nothing to say." };
    case "stopped":
      return { state: "stopped", note: isBegun(turn) ? "You stopped this answer." : "You stopped before the first token." };
    case "cancelled":
      return { state: "stopped", note: cancelled(event.reason) };
    default:
      return { state: "failed", note: event.message + (event.wait ? ` Try again in ${event.wait} s.` : "") };
  }
}

function isBegun({ text, calls }) {
  return text !== "" || calls.length > 0;
}

function cancelled(reason) {
  return CANCELLED[reason] ?? `The server ended this answer${reason ? `: ${reason}` : ""}.`;
}

/** Milliseconds on a clock that a reload does not set back. */
function clock() {
  return performance.timeOrigin + performance.now();
}
