/**
 * The body of an answer on the page: its text, and between it the model's reasoning and its tool calls, in the order in which
 * they came. Only the end grows, so what a reader has read stays in its place.
 *
 * Takes the pieces of parts.js. An answer that is one JSON document has one place for all its text.
 */

import { Prose } from "./prose.js";
import { ReasoningView } from "./reasoning-view.js";
import { StructuredAnswer } from "./structured-answer.js";
import { ToolCallList } from "./tool-call-view.js";

/** @import { Announcer } from "./announcer.js" */
/** @import { CallPart, Part } from "./parts.js" */
/** @import { ToolCallView } from "./tool-call-view.js" */

/** @typedef {Prose | StructuredAnswer | ReasoningView | ToolCallList} PartView */

/** Shows the body of one answer, piece by piece. */
export class AnswerView {
  /**
   * @param {HTMLElement} element the element to fill; its content is removed
   * @param {object | undefined} schema the JSON Schema of the answer; undefined for an answer in text
   * @param {Announcer | null} announcer reads the answer out; null for no one
   */
  constructor(element, schema, announcer) {
    element.replaceChildren();
    this.element = element;
    this.announcer = announcer;
    /** @type {Map<number, ToolCallView>} The tool calls by their number in the answer. */
    this.calls = new Map();
    this.document = schema ? new StructuredAnswer(schema, announcer) : null;
    if (this.document) element.append(this.document.element);
    /** @type {PartView | null} The part at the end, which grows. */
    this.part = null;
  }

  /**
   * Show the next piece of the answer.
   *
   * @param {Part} piece
   */
  append(piece) {
    if (piece.type === "call") this.#appendCall(piece);
    else if (piece.type === "reasoning") this.#appendReasoning(piece.text);
    else this.#appendText(piece.text);
  }

  /**
   * End the answer.
   *
   * @param {boolean} isCut whether the answer is incomplete
   */
  end(isCut) {
    this.#endPart(isCut);
    this.document?.end(isCut);
    for (const call of this.calls.values()) call.end(isCut);
  }

  /** @param {string} text */
  #appendText(text) {
    const part = this.part?.type === "text" ? this.part : this.#begin(this.document ?? new Prose(this.announcer));
    part.append(text);
  }

  /** @param {string} text */
  #appendReasoning(text) {
    if (this.part?.type === "reasoning") return this.part.append(text);
    const part = this.#begin(new ReasoningView());
    this.announcer?.say("The model is thinking.");
    part.append(text);
  }

  /** @param {CallPart} piece */
  #appendCall({ index, name, text, isComplete }) {
    if (name) {
      const list = this.part?.type === "call" ? this.part : this.#begin(new ToolCallList());
      this.calls.set(index, list.addCall(name));
      this.announcer?.say(`Calls ${name}.`);
    }
    this.calls.get(index)?.append(text);
    if (isComplete) this.calls.get(index)?.end(false);
  }

  /**
   * Begin a part at the end of the answer, and return it.
   *
   * @template {PartView} View
   * @param {View} part
   */
  #begin(part) {
    this.#endPart(false);
    this.part = part;
    if (part === this.document) return part;
    // The form stands there from the beginning: parts that come before its first field are put above it.
    if (this.document?.isAwaited) this.document.element.before(part.element);
    else this.element.append(part.element);
    return part;
  }

  /**
   * End the part that grows. A document goes on after other parts.
   *
   * @param {boolean} isCut
   */
  #endPart(isCut) {
    if (this.part !== this.document) this.part?.end(isCut);
    this.part = null;
  }
}
