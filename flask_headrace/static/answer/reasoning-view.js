/**
 * A run of a model's reasoning, as Markdown, folded behind a summary that says how long the model has thought.
 */

import { createElement } from "../dom/elements.js";
import { Prose } from "./prose.js";

/** A shorter time is not told. */
const MIN_DURATION_MS = 1000;

const WORDS = {
  growing: "Thinking",
  ended: "Reasoning",
  /** @type {(minutes: number, seconds: number) => string} */
  duration: (minutes, seconds) => `Thought for ${minutes ? `${minutes} min ` : ""}${seconds} s`,
};

/** Shows one run of reasoning, which a reader can unfold. */
export class ReasoningView {
  type = /** @type {const} */ ("reasoning");
  /** How long the run had taken when the last piece with its duration came, or the first piece; and when that was. */
  #duration = 0;
  #since;

  /**
   * Make the `element` to which the reasoning is written.
   *
   * @param {() => number} [clock] returns a time in milliseconds
   */
  constructor(clock = () => performance.now()) {
    this.clock = clock;
    this.#since = clock();
    this.label = createElement("span", { textContent: WORDS.growing });
    this.prose = new Prose(null, "thoughts");
    const summary = createElement("summary");
    summary.append(this.label);
    this.element = createElement("details", { className: "reasoning" });
    this.element.dataset.growing = "";
    this.element.append(summary, this.prose.element);
  }

  /**
   * Show the next reasoning.
   *
   * @param {string} text
   * @param {number} [durationMs] how long the run has taken up to this text, where that was measured before; else the view
   *   measures it
   */
  append(text, durationMs) {
    if (durationMs !== undefined) {
      this.#duration = durationMs;
      this.#since = this.clock();
    }
    this.prose.append(text);
  }

  /**
   * End the run: another part begins, or the answer has ended.
   *
   * @param {boolean} [isCut] whether the answer was cut off here
   */
  end(isCut = false) {
    this.prose.end(isCut);
    const duration = this.#duration + Math.max(0, this.clock() - this.#since);
    this.label.textContent = duration < MIN_DURATION_MS ? WORDS.ended : durationText(duration);
    delete this.element.dataset.growing;
  }
}

/** @param {number} durationMs */
function durationText(durationMs) {
  const seconds = Math.round(durationMs / 1000);
  return WORDS.duration(Math.floor(seconds / 60), seconds % 60);
}
