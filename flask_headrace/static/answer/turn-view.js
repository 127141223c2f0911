/**
 * One turn on the page: the question, and the answer as it comes.
 *
 * Knows the elements of a turn and its states: waiting, flowing, done, cut, stopped, failed; and that what comes may be held up.
 * Knows no protocol and asks for nothing.
 */

import { Flow } from "./flow.js";
import { documentOf, grow, isBegun, textOf } from "./parts.js";

export class Answer {
  /** Show a turn in a copy of `template`; `announcer` reads the answer out, `grown` is told when it got longer. */
  constructor(template, turn, { announcer, grown }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    Object.assign(this, { turn, announcer, grown });
    this.parts = Object.fromEntries([...this.element.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    this.parts.question.textContent = turn.question;
    this.begin();
  }

  /** Begin, or begin again: what was shown is void. */
  begin(note = "") {
    const { schema } = this.turn;
    const { flow, waiting, copy, label } = this.parts;
    this.announcer?.reset();
    this.flow = new Flow(flow, schema, this.announcer);
    this.coming = [];
    waiting.hidden = false;
    label.textContent = schema ? "Copy JSON" : "Copy";
    delete copy.dataset.says;
    this.#state("waiting");
    this.lost("");
    this.#note(note);
    this.#facts("", []);
  }

  /** The next piece of the answer, as in parts.js. It is on the page with the next frame. */
  take(piece) {
    grow(this.coming, piece);
    this.#later();
  }

  /** What is copied of the answer. */
  get copied() {
    const { parts, schema } = this.turn;
    return schema ? this.flow.document.copied(documentOf(parts)) : textOf(parts);
  }

  /** Show at once what has come of the answer before this page did. */
  restore({ parts }) {
    if (this.announcer) this.announcer.isMuted = true;
    this.coming = parts;
    this.#flush();
    if (this.announcer) this.announcer.isMuted = false;
  }

  /** Say that nothing comes for now, and why; nothing where the answer goes on. */
  lost(reason) {
    this.parts.lost.textContent = reason;
    this.parts.lost.hidden = !reason;
    this.element.toggleAttribute("data-lost", Boolean(reason));
    this.grown?.();
  }

  /** The answer has ended as `state`: done, cut (by its model's provider), stopped or failed, with a `note` to the reader. */
  settle({ state, note = "", model = "", facts = [] }) {
    this.#flush();
    this.flow.end(state !== "done");
    this.#state(state);
    this.lost("");
    this.#note(note, state === "failed");
    this.#facts(model, facts);
    this.grown?.();
  }

  #later() {
    if (this.frame) return;
    // A hidden page draws no frames, but its reader may be listening.
    if (document.hidden) return this.#flush();
    this.frame = requestAnimationFrame(() => this.#flush());
    this.fallback = setTimeout(() => this.#flush(), 250);
  }

  #flush() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.fallback);
    this.frame = 0;
    const { coming } = this;
    this.coming = [];
    if (!coming.length) return;
    this.parts.waiting.hidden = true;
    for (const piece of coming) this.flow.take(piece);
    if (isBegun(coming)) this.#state("flowing");
    this.grown?.();
  }

  #state(state) {
    if (this.element.dataset.state === state) return;
    const coming = state === "waiting" || state === "flowing";
    this.element.dataset.state = state;
    this.parts.answer.setAttribute("aria-busy", String(coming));
    this.parts.waiting.hidden = state !== "waiting";
    this.parts.foot.hidden = coming;
    this.parts.copy.hidden = coming || !textOf(this.turn.parts);
    this.parts.retry.hidden = state !== "failed";
    this.parts.regenerate.hidden = state === "failed";
  }

  #note(note, isAlert = false) {
    const { note: element, reason } = this.parts;
    // An alert is read out when its text comes into the page, so it is shown first.
    if (isAlert) element.setAttribute("role", "alert");
    else element.removeAttribute("role");
    element.hidden = !note;
    reason.textContent = note;
  }

  #facts(model, facts) {
    const rows = facts.map(({ value, label }) => row(value, label));
    this.parts.facts.replaceChildren(...(model ? [row(model, "")] : []), ...rows);
  }
}

function row(value, label) {
  const item = document.createElement("li");
  const strong = document.createElement("b");
  strong.textContent = value;
  item.append(strong, label && ` ${label}`);
  return item;
}
