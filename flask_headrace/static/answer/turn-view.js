/**
 * One turn on the page: the question, and the answer as it comes.
 *
 * Knows the elements of a turn and its states, and shows when the connection is lost. Knows no protocol and sends nothing.
 */

import { createElement, findParts } from "../dom/elements.js";
import { AnswerView } from "./answer-view.js";
import { appendPiece, documentText, hasContent, proseText } from "./parts.js";
import { makeNameUnique } from "./region-names.js";

/** @import { Announcer } from "./announcer.js" */
/** @import { Decision, Fact, Part, ShownTurn, TurnState } from "./parts.js" */

/** New text is shown after this time at the latest, where the browser draws no frame before. */
const MAX_DELAY_MS = 250;

/** Shows one turn: its question, its answer, how the answer ended, and what it took. */
export class TurnView {
  /** @type {Part[]} The pieces that are not on the page yet. */
  pending = [];
  frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /**
   * Make the turn's `element`, with the question and an empty answer.
   *
   * @param {HTMLTemplateElement} template the template of a turn
   * @param {ShownTurn} turn
   * @param {{announcer: Announcer | null, onGrow: () => void, onDecide: (index: number, decision: Decision) => void}} options
   *   `announcer` reads the answer out, null for no one; `onGrow` is called when the turn became longer; `onDecide` when the
   *   reader has decided whether the tool of a call, named by its number in the answer, may run
   */
  constructor(template, turn, { announcer, onGrow, onDecide }) {
    const root = /** @type {HTMLElement} */ (template.content.firstElementChild);
    this.element = /** @type {HTMLElement} */ (root.cloneNode(true));
    this.turn = turn;
    this.announcer = announcer;
    this.onGrow = onGrow;
    this.onDecide = onDecide;
    this.parts = findParts(this.element);
    this.parts.question.textContent = turn.question;
    makeNameUnique(this.parts.answer);
    this.answer = this.reset();
  }

  /**
   * Begin the answer, or begin it anew: what was shown of it is removed.
   *
   * @param {string} [note] why it begins anew, for the reader
   * @returns {AnswerView} the empty answer
   */
  reset(note = "") {
    const { schema } = this.turn;
    const { flow, waiting, copy, label } = this.parts;
    this.announcer?.reset();
    this.answer = new AnswerView(flow, schema, this.announcer, this.onDecide);
    this.pending = [];
    waiting.hidden = false;
    label.textContent = schema ? "Copy JSON" : "Copy";
    delete copy.dataset.says;
    this.#setState("waiting");
    this.showInterruption("");
    this.#setNote(note);
    this.#setFacts("", []);
    return this.answer;
  }

  /**
   * Show the next piece of the answer, with the browser's next frame.
   *
   * @param {Part} piece
   */
  append(piece) {
    appendPiece(this.pending, piece);
    this.#scheduleFlush();
  }

  /** What is copied of the answer. */
  get copyText() {
    const { parts, schema } = this.turn;
    const { document } = this.answer;
    return schema && document ? document.copyText(documentText(parts)) : proseText(parts);
  }

  /**
   * Show at once an answer, or the part of one, that had come before the page was loaded. It is not read out.
   *
   * @param {Pick<ShownTurn, "parts">} turn
   */
  restore({ parts }) {
    if (this.announcer) this.announcer.isMuted = true;
    this.pending = parts;
    this.#flush();
    if (this.announcer) this.announcer.isMuted = false;
  }

  /** Show that an answer goes on which waited for the reader. */
  proceed() {
    this.#flush();
    this.answer.pause(false);
    this.#setState("flowing");
    this.#setNote("");
  }

  /**
   * Put the focus on the first tool call that waits for the reader's decision, and return whether there is one.
   *
   * @param {FocusOptions} [options]
   */
  focusUndecided(options) {
    this.#flush();
    return this.answer.focusUndecided(options);
  }

  /**
   * Show that nothing comes for now.
   *
   * @param {string} reason for the reader; "" when the answer goes on
   */
  showInterruption(reason) {
    this.parts.lost.textContent = reason;
    this.parts.lost.hidden = !reason;
    this.element.toggleAttribute("data-lost", Boolean(reason));
    this.onGrow();
  }

  /**
   * Show that the answer has ended, and how.
   *
   * @param {Pick<ShownTurn, "state" | "note" | "model" | "facts">} turn
   */
  finish({ state, note = "", model = "", facts = [] }) {
    this.#flush();
    if (state === "undecided") this.answer.pause(true);
    else this.answer.end(state !== "done");
    this.#setState(state);
    this.showInterruption("");
    this.#setNote(note, state === "failed");
    this.#setFacts(model, facts);
    this.onGrow();
  }

  #scheduleFlush() {
    if (this.frame) return;
    // A hidden page draws no frames, but its reader may be listening.
    if (document.hidden) return this.#flush();
    this.frame = requestAnimationFrame(() => this.#flush());
    this.timer = setTimeout(() => this.#flush(), MAX_DELAY_MS);
  }

  #flush() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.frame = 0;
    const { pending } = this;
    this.pending = [];
    if (!pending.length) return;
    this.parts.waiting.hidden = true;
    for (const piece of pending) this.answer.append(piece);
    if (hasContent(pending) && this.element.dataset.state === "waiting") this.#setState("flowing");
    this.onGrow();
  }

  /** @param {TurnState} state */
  #setState(state) {
    if (this.element.dataset.state === state) return;
    const isPending = state === "waiting" || state === "flowing";
    this.element.dataset.state = state;
    this.parts.answer.setAttribute("aria-busy", String(isPending));
    this.parts.waiting.hidden = state !== "waiting";
    this.parts.foot.hidden = isPending || state === "undecided";
    this.parts.copy.hidden = isPending || !proseText(this.turn.parts);
    this.parts.retry.hidden = state !== "failed";
    this.parts.regenerate.hidden = state === "failed";
  }

  /** @type {(note: string, isAlert?: boolean) => void} */
  #setNote(note, isAlert = false) {
    const { note: element, reason } = this.parts;
    // An alert is read out when its text comes into the page, so it is shown first.
    if (isAlert) element.setAttribute("role", "alert");
    else element.removeAttribute("role");
    element.hidden = !note;
    reason.textContent = note;
  }

  /** @type {(model: string, facts: Fact[]) => void} */
  #setFacts(model, facts) {
    const items = facts.map(({ value, label }) => createFact(value, label));
    this.parts.facts.replaceChildren(...(model ? [createFact(model, "")] : []), ...items);
  }
}

/** @type {(value: string, label: string) => HTMLElement} */
function createFact(value, label) {
  const item = createElement("li");
  item.append(createElement("b", { textContent: value }), label && ` ${label}`);
  return item;
}
