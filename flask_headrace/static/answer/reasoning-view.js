/**
 * What a model thinks before it goes on, behind a click.
 */

import { appendText } from "./growing-text.js";

export class Thoughts {
  type = "reasoning";

  constructor() {
    const [details, summary] = ["details", "summary"].map((tag) => document.createElement(tag));
    this.label = document.createElement("span");
    this.thoughts = document.createElement("div");
    details.className = "reasoning";
    details.dataset.growing = "";
    this.label.textContent = "Thinking";
    summary.append(this.label);
    details.append(summary, this.thoughts);
    this.element = details;
  }

  feed(piece) {
    appendText(this.thoughts, piece);
  }

  /** What comes next is no thought. */
  end() {
    this.label.textContent = "Reasoning";
    delete this.element.dataset.growing;
  }
}
