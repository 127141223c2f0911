/**
 * A tool call that the service runs: its name, its arguments as they come, what the tool shows while it runs, and its result;
 * or the question whether it may run.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";
import { showInvisible } from "../json/json-text.js";
import { createApprovalForm } from "./approval-form.js";
import { hasOutcome, isUndecided } from "./parts.js";
import { createFault, createResult } from "./tool-outcome.js";

/** @import { CallPart, Decision } from "./parts.js" */

/** @typedef {"calling" | "running" | "undecided" | "approved" | "denied" | "skipped" | "stopped" | "done" | "failed"} RunState */

/** @type {Record<RunState, string>} */
const LABELS = {
  calling: "Calling",
  running: "Running",
  undecided: "Approval needed",
  approved: "Approved",
  denied: "Denied",
  skipped: "Not approved",
  stopped: "Stopped",
  done: "Done",
  failed: "Failed",
};

/** Shows one tool call that the service runs. */
export class ToolRunView {
  /** What has come of the call. @type {CallPart} */
  call;
  /** How the answer stands: "paused" while it waits for decisions of the reader. @type {"flowing" | "paused" | "cut" | "ended"} */
  #answerState = "flowing";
  /** @type {HTMLElement | null} What is shown below the call, and the value for which it was made. */
  #below = null;
  /** @type {unknown} */
  #shown;

  /**
   * @param {CallPart} call the first piece of the call
   * @param {(decision: Decision) => void} decide called with the reader's decision, if the call needs one
   */
  constructor(call, decide) {
    this.call = { ...call, text: "" };
    this.decide = decide;
    this.name = call.name ?? "";
    this.arguments = createElement("span");
    this.code = createElement("code", { dir: "ltr" });
    const given = createElement("span", { className: "arguments" });
    given.append("(", this.arguments, ")");
    this.code.append(createElement("b", { textContent: this.name }), given);
    this.label = createElement("span", { className: "status" });
    this.element = createElement("li", { className: "run" });
    const line = createElement("div", { className: "line" });
    line.append(this.code, this.label);
    this.element.append(line);
    this.#apply(call);
  }

  /** Whether the call waits for the reader's decision. */
  get isUndecided() {
    return this.#state === "undecided";
  }

  /** Whether the reader has denied the call. */
  get isDenied() {
    return this.#state === "denied";
  }

  /**
   * Put the focus on the question whether the tool may run.
   *
   * @param {FocusOptions} [options]
   */
  focus(options) {
    this.element.querySelector("form")?.focus(options);
  }

  /** @param {CallPart} piece the next piece of the call */
  update(piece) {
    // The other tools of the step may still run; this one does not before the next request.
    if (piece.decision) this.#answerState = "paused";
    this.#apply(piece);
  }

  /** @param {CallPart} piece */
  #apply(piece) {
    Object.assign(this.call, piece, { text: "" });
    appendText(this.arguments, showInvisible(piece.text));
    this.#render();
  }

  /**
   * End the call, because the answer has ended.
   *
   * @param {boolean} isCut whether the answer is incomplete
   */
  end(isCut) {
    this.#answerState = isCut ? "cut" : "ended";
    this.#render();
  }

  /** @param {boolean} isPaused whether the answer waits for decisions of the reader */
  pause(isPaused) {
    this.#answerState = isPaused ? "paused" : "flowing";
    this.#render();
  }

  /** @returns {RunState} */
  get #state() {
    const { call } = this;
    const answer = this.#answerState;
    if (call.error !== undefined) return call.decision?.approved === false ? "denied" : "failed";
    if (hasOutcome(call)) return "done";
    if (call.isSkipped) return "skipped";
    if (call.decision?.approved === false) return "denied";
    if (answer === "cut" || answer === "ended") return "stopped";
    if (isUndecided(call)) return "undecided";
    if (call.decision && answer === "paused") return "approved";
    return call.isComplete ? "running" : "calling";
  }

  #render() {
    const state = this.#state;
    this.element.dataset.state = state;
    this.label.textContent = LABELS[state];
    this.#renderBelow(state);
  }

  /** @param {RunState} state */
  #renderBelow(state) {
    const { call, name } = this;
    if (state === "undecided") {
      this.#show(call.approval, () => createApprovalForm(name, call.arguments ?? "{}", this.decide));
    } else if (call.error !== undefined) {
      this.#show(call.error, () => createFault(call.error ?? ""));
    } else if (call.result !== undefined) {
      this.#show(call.result, () => createResult(name, call.result ?? ""));
    } else if (call.progress !== undefined && state === "running") {
      this.#showProgress(call.progress);
    } else {
      this.#show(undefined, () => null);
    }
  }

  /** @type {(value: unknown, create: () => HTMLElement | null) => void} Show an element in place of the one before, unless it shows the same value. */
  #show(value, create) {
    if (value === this.#shown) return;
    this.#shown = value;
    this.#below?.remove();
    this.#below = create();
    if (this.#below) this.element.append(this.#below);
  }

  /** @param {string} text */
  #showProgress(text) {
    this.#show("progress", () => createElement("p", { className: "progress", dir: "auto" }));
    if (this.#below) this.#below.textContent = text;
  }
}
