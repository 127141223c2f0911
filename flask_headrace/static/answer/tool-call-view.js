/**
 * The tools that a model calls, one line for each call: its name, and its arguments as they come.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";

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
   * @param {string} name the tool's name
   */
  addCall(name) {
    const call = new ToolCallView(name);
    this.element.append(call.element);
    return call;
  }

  /** End the list. Its calls end by themselves: some providers complete a call only where the answer ends. */
  end() {}
}

/** Shows one tool call on a line of its own. */
export class ToolCallView {
  isEnded = false;

  /** @param {string} name the tool's name */
  constructor(name) {
    this.arguments = createElement("span");
    this.code = createElement("code");
    this.code.append(createElement("b", { textContent: name }), "(", this.arguments);
    this.element = createElement("li");
    this.element.append("calls ", this.code);
  }

  /** @param {string} text the next text of the arguments */
  append(text) {
    appendText(this.arguments, text);
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
}
