/**
 * The tools that a model calls, one item for each call: those that the service runs, and those of somebody else, of which the
 * page knows the name and the arguments as they come.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";
import { createFault, createResult } from "./tool-outcome.js";
import { ToolRunView } from "./tool-run-view.js";

/** @import { CallPart, Decision } from "./parts.js" */

/** A list of consecutive tool calls. */
export class ToolCallList {
  type = /** @type {const} */ ("call");

  /** Make the `element` to which calls are added. */
  constructor() {
    this.element = createElement("ul", { className: "calls" });
    this.element.setAttribute("aria-label", "Tool calls");
  }

  /**
   * Show one more call, and return its view.
   *
   * @param {CallPart} piece the first piece of the call
   * @param {(decision: Decision) => void} decide called with the reader's decision, if the call needs one
   * @returns {ToolCallView | ToolRunView}
   */
  addCall(piece, decide) {
    const call = piece.runsHere ? new ToolRunView(piece, decide) : new ToolCallView(piece);
    this.element.append(call.element);
    return call;
  }

  /** End the list. Its calls end by themselves: some providers complete a call only where the answer ends. */
  end() {}
}

/** Shows one tool call that the service does not run. */
export class ToolCallView {
  isEnded = false;
  isUndecided = false;
  isDenied = false;
  /** @type {HTMLElement | null} */
  #outcome = null;

  /** @param {CallPart} piece the first piece of the call */
  constructor(piece) {
    this.name = piece.name ?? "";
    this.arguments = createElement("span");
    this.code = createElement("code", { dir: "ltr" });
    this.code.append(createElement("b", { textContent: this.name }), "(", this.arguments);
    this.element = createElement("li");
    this.element.append("calls ", this.code);
    this.update(piece);
  }

  /** There is nothing to decide, so nothing takes the focus. */
  focus() {}

  /** @param {CallPart} piece the next piece of the call */
  update({ text, isComplete, result, error }) {
    appendText(this.arguments, text);
    if (isComplete) this.end(false);
    if (error !== undefined) this.#showOutcome(createFault(error));
    else if (result !== undefined) this.#showOutcome(createResult(this.name, result));
  }

  /**
   * End the call. Idempotent.
   *
   * @param {boolean} isCut whether its arguments are incomplete
   */
  end(isCut) {
    if (!this.isEnded) this.code.append(isCut ? "…" : ")");
    this.isEnded = true;
  }

  /** The page knows nothing of the tool, so nothing changes where the answer waits. */
  pause() {}

  /** @param {HTMLElement} outcome what the application's own model has told of the call */
  #showOutcome(outcome) {
    this.#outcome?.remove();
    this.#outcome = outcome;
    this.element.append(outcome);
  }
}
