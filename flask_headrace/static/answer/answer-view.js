/**
 * The body of an answer on the page: its text, and between it the model's reasoning and its tool calls, in the order in which
 * they came. Only the end grows, so what a reader has read stays in its place.
 *
 * Takes the pieces of parts.js. An answer that is one JSON document has one place for all its text.
 */

import { hasOutcome } from "./parts.js";
import { Prose } from "./prose.js";
import { ReasoningView } from "./reasoning-view.js";
import { StructuredAnswer } from "./structured-answer.js";
import { ToolCallList } from "./tool-call-view.js";

/** @import { Announcer } from "./announcer.js" */
/** @import { CallPart, Decision, Part } from "./parts.js" */
/** @import { ToolCallView } from "./tool-call-view.js" */
/** @import { ToolRunView } from "./tool-run-view.js" */

/** Characters of a tool's error that are read out. */
const MAX_SPOKEN_ERROR = 200;

/** @typedef {Prose | StructuredAnswer | ReasoningView | ToolCallList} PartView */

/** Shows the body of one answer, piece by piece. */
export class AnswerView {
  /**
   * @param {HTMLElement} element the element to fill; its content is removed
   * @param {object | undefined} schema the JSON Schema of the answer; undefined for an answer in text
   * @param {Announcer | null} announcer reads the answer out; null for no one
   * @param {(index: number, decision: Decision) => void} decide called with what the reader has decided about a tool call
   */
  constructor(element, schema, announcer, decide) {
    /** @type {boolean[]} Which runs of reasoning the reader had unfolded, if the answer is shown anew. */
    this.unfolded = [...element.querySelectorAll("details.reasoning")].map((run) => run.hasAttribute("open"));
    element.replaceChildren();
    this.element = element;
    this.announcer = announcer;
    this.decide = decide;
    /** @type {Map<number, ToolCallView | ToolRunView>} The tool calls by their number in the answer. */
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
    else if (piece.type === "step") this.#endPart(false);
    else if (piece.type === "continuation") return;
    else if (piece.type === "reasoning") this.#appendReasoning(piece);
    else this.#appendText(piece.text);
  }

  /** The text of the answer as it reads on the page, without what tools and thoughts have to say. */
  get plainText() {
    const texts = /** @type {NodeListOf<HTMLElement>} */ (this.element.querySelectorAll(".prose"));
    return [...texts].map(readText).join("\n\n");
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

  /** @param {boolean} isPaused whether the answer waits for decisions of the reader; more of it comes after that */
  pause(isPaused) {
    this.#endPart(false);
    for (const call of this.calls.values()) call.pause(isPaused);
  }

  /**
   * Put the focus on the first tool call that waits for the reader's decision, and return whether there is one.
   *
   * @param {FocusOptions} [options]
   */
  focusUndecided(options) {
    const call = [...this.calls.values()].find(({ isUndecided }) => isUndecided);
    call?.focus(options);
    return call !== undefined;
  }

  /** @param {string} text */
  #appendText(text) {
    const part = this.part?.type === "text" ? this.part : this.#begin(this.document ?? new Prose(this.announcer));
    part.append(text);
  }

  /** @param {{text: string, durationMs?: number}} piece `durationMs` is how long the run of reasoning has taken up to here */
  #appendReasoning({ text, durationMs }) {
    if (this.part?.type === "reasoning") return this.part.append(text, durationMs);
    const part = this.#begin(new ReasoningView());
    part.element.open = this.unfolded.shift() ?? false;
    this.announcer?.say("The model is thinking.");
    part.append(text, durationMs);
  }

  /** @param {CallPart} piece */
  #appendCall(piece) {
    const { index, name } = piece;
    if (name) {
      const list = this.part?.type === "call" ? this.part : this.#begin(new ToolCallList());
      this.calls.set(index, list.addCall(piece, (decision) => this.decide(index, decision)));
      this.announcer?.say(`Calls ${name}.`);
    } else {
      this.calls.get(index)?.update(piece);
    }
    this.#announceCall(piece);
  }

  /** @param {CallPart} piece */
  #announceCall({ index, approval, decision, error, ...piece }) {
    const { name, isDenied = false } = this.calls.get(index) ?? {};
    if (isDenied && !decision) this.announcer?.say(`Denied: ${name}.`);
    else if (error !== undefined) this.announcer?.say(`Tool failed: ${name}. ${error.slice(0, MAX_SPOKEN_ERROR)}`);
    else if (hasOutcome({ index, ...piece })) this.announcer?.say(`Tool finished: ${name}.`);
    else if (approval !== undefined && !decision) this.announcer?.say(`Approval needed: ${name}.`);
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

/** @param {HTMLElement} element its text, without the words on its buttons */
function readText(element) {
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("button"));
  for (const button of buttons) button.hidden = true;
  const text = element.innerText;
  for (const button of buttons) button.hidden = false;
  return text.trim();
}
