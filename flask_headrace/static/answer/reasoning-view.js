/**
 * A run of a model's reasoning, folded behind a summary.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";

/** Shows one run of reasoning, which a reader can unfold. */
export class ReasoningView {
  type = /** @type {const} */ ("reasoning");

  /** Make the `element` to which the reasoning is written. */
  constructor() {
    this.label = createElement("span", { textContent: "Thinking" });
    this.text = createElement("div");
    const summary = createElement("summary");
    summary.append(this.label);
    this.element = createElement("details", { className: "reasoning" });
    this.element.dataset.growing = "";
    this.element.append(summary, this.text);
  }

  /** @param {string} text the next reasoning */
  append(text) {
    appendText(this.text, text);
  }

  /** End the run: another part begins, or the answer has ended. */
  end() {
    this.label.textContent = "Reasoning";
    delete this.element.dataset.growing;
  }
}
