/**
 * One turn on the page: the question, and the answer as it comes.
 *
 * Knows the elements of a turn and its states, and shows when the connection is lost. Knows no protocol and sends nothing.
 */

import { findParts } from "../dom/elements.js";
import { translate } from "../words/words.js";
import { AnswerView } from "./answer-view.js";
import { noteText } from "./note-text.js";
import { appendPiece, hasContent, proseText } from "./parts.js";
import { QuestionView } from "./question-view.js";
import { makeNameUnique } from "./region-names.js";
import { SilenceClock } from "./silence-clock.js";
import { TurnFoot } from "./turn-foot.js";

/** @import { Announcer } from "./announcer.js" */
/** @import { FootActions } from "./turn-foot.js" */
/** @import { Decision, Note, Part, ShownTurn, TurnState } from "./parts.js" */

/**
 * What the reader does with a turn: asks once more, asks for the rest of an answer, asks another question in place of this one (returns
 * whether it was sent), removes the turn, has the version so many places further shown, decides about the tool of a call that is named
 * by its number in the answer; and what the foot has: see turn-foot.js.
 * @typedef {FootActions & OwnActions} TurnActions
 *
 * @typedef {object} OwnActions
 * @property {() => void} retry
 * @property {() => void} goOn
 * @property {(question: string) => boolean} edit
 * @property {() => void} remove
 * @property {(step: number) => void} select
 * @property {(index: number, decision: Decision) => void} decide
 */

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
   * @param {{announcer: Announcer | null, onGrow: () => void, actions: TurnActions}} options `announcer` reads the answer out,
   *   null for no one; `onGrow` is called when the turn became longer
   */
  constructor(template, turn, { announcer, onGrow, actions }) {
    const root = /** @type {HTMLElement} */ (template.content.firstElementChild);
    this.element = /** @type {HTMLElement} */ (root.cloneNode(true));
    this.turn = turn;
    this.announcer = announcer;
    this.onGrow = onGrow;
    this.actions = actions;
    this.parts = findParts(this.element);
    this.question = new QuestionView(this.parts.asked, turn.question, actions.edit);
    this.foot = new TurnFoot(this.parts, actions);
    this.silence = new SilenceClock((seconds) => this.#showSilence(seconds));
    this.#listen();
    makeNameUnique(this.parts.answer);
    this.answer = this.reset();
  }

  #listen() {
    const { retry, goOn, edit, remove, older, newer } = this.parts;
    const { actions } = this;
    retry.addEventListener("click", () => actions.retry());
    goOn.addEventListener("click", () => actions.goOn());
    edit.addEventListener("click", () => this.question.edit());
    remove.addEventListener("click", () => actions.remove());
    older.addEventListener("click", () => actions.select(-1));
    newer.addEventListener("click", () => actions.select(1));
  }

  /**
   * Begin the answer, or begin it anew: what was shown of it is removed.
   *
   * @param {Note | null} [note] why it begins anew
   * @returns {AnswerView} the empty answer
   */
  reset(note = null) {
    const { schema } = this.turn;
    const { flow, waiting } = this.parts;
    this.announcer?.reset();
    this.answer = new AnswerView(flow, schema, this.announcer, this.actions.decide);
    this.pending = [];
    waiting.hidden = false;
    this.#setState("waiting");
    this.showInterruption("");
    this.#setNote(note);
    this.foot.reset(schema !== undefined);
    return this.answer;
  }

  /**
   * Show which of the versions of its turn this is.
   *
   * @param {number} place from 0
   * @param {number} count
   */
  showVersion(place, count) {
    const { versions, place: label, older, newer } = this.parts;
    versions.hidden = count < 2;
    label.textContent = translate("turn.version", { place: place + 1, total: count });
    /** @type {HTMLButtonElement} */ (older).disabled = place === 0;
    /** @type {HTMLButtonElement} */ (newer).disabled = place === count - 1;
  }

  /** @param {number} step Put the focus on the button that shows the version so many places further, or the other one. */
  focusVersion(step) {
    const { older, newer } = /** @type {Record<string, HTMLButtonElement>} */ (this.parts);
    const [first, second] = step < 0 ? [older, newer] : [newer, older];
    (first.disabled ? second : first).focus({ preventScroll: true });
  }

  /**
   * Show what of the turn is not sent with later questions.
   *
   * @param {"" | "turn" | "calls" | "earlier"} what "earlier" where the conversation goes on with later turns only; "" for nothing
   */
  showLeftOut(what) {
    this.element.toggleAttribute("data-left-out", what === "turn" || what === "earlier");
    this.parts.leftOut.hidden = !what;
    this.parts.leftOut.textContent = what && translate(`turn.left-out-${what}`);
  }

  /** @param {boolean} isPossible whether the answer can go on in the middle of its text */
  offerToContinue(isPossible) {
    this.parts.goOn.hidden = !isPossible;
  }

  /**
   * Show the next piece of the answer, with the browser's next frame.
   *
   * @param {Part} piece
   */
  append(piece) {
    if (this.#isPending) this.silence.reset();
    appendPiece(this.pending, piece);
    this.#scheduleFlush();
  }

  /**
   * Show at once an answer, or the part of one, that had come before the page was loaded. It is not read out.
   *
   * @param {Pick<ShownTurn, "parts">} turn
   */
  restore({ parts }) {
    const isMuted = this.announcer?.isMuted ?? true;
    if (this.announcer) this.announcer.isMuted = true;
    this.pending = parts;
    this.#flush();
    if (this.announcer) this.announcer.isMuted = isMuted;
  }

  /** Show that an answer goes on which waited for the reader. */
  proceed() {
    this.#flush();
    this.answer.pause(false);
    this.#setState("flowing");
    this.#setNote(null);
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
    if (reason) this.silence.stop();
    else if (this.#isPending) this.silence.reset();
    this.element.toggleAttribute("data-lost", Boolean(reason));
    this.onGrow();
  }

  /**
   * Show that the answer has ended, and how.
   *
   * @param {Pick<ShownTurn, "state" | "note" | "model" | "times" | "usage">} turn
   */
  finish(turn) {
    const { state, note } = turn;
    this.#flush();
    if (state === "undecided") this.answer.pause(true);
    else this.answer.end(state !== "done");
    this.#setState(state);
    this.showInterruption("");
    this.#setNote(note, state === "failed");
    this.showFacts(turn);
  }

  /**
   * Show what the answer took.
   *
   * @param {Pick<ShownTurn, "model" | "times" | "usage">} turn
   */
  showFacts(turn) {
    this.foot.showFacts(turn);
    this.onGrow();
  }

  /** The turn is no longer on the page. */
  remove() {
    this.silence.stop();
    this.#flush();
    this.element.remove();
  }

  get #isPending() {
    const { state } = this.element.dataset;
    return state === "waiting" || state === "flowing";
  }

  /** @param {number} seconds 0 where there is none */
  #showSilence(seconds) {
    const { waiting, silence } = this.parts;
    const model = this.turn.model || this.turn.requested || translate("turn.the-model");
    silence.textContent = seconds ? translate("turn.silence", { model, count: seconds }) : "";
    silence.hidden = !seconds;
    const isWaiting = this.element.dataset.state === "waiting" && !this.answer.part;
    waiting.hidden = Boolean(seconds) || !isWaiting;
    if (seconds) this.onGrow();
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
    this.element.dataset.state = state;
    const isPending = this.#isPending;
    this.parts.answer.setAttribute("aria-busy", String(isPending));
    this.parts.waiting.hidden = state !== "waiting";
    this.parts.retry.hidden = state !== "failed";
    this.foot.show(state, proseText(this.turn.parts) !== "");
    if (isPending) this.silence.reset();
    else this.silence.stop();
  }

  /** @type {(note: Note | null, isAlert?: boolean) => void} */
  #setNote(note, isAlert = false) {
    const { note: element, reason } = this.parts;
    // An alert is read out when its text comes into the page, so it is shown first.
    if (isAlert) element.setAttribute("role", "alert");
    else element.removeAttribute("role");
    element.hidden = !note;
    const text = noteText(note);
    if (reason.textContent !== text) reason.textContent = text;
  }
}
