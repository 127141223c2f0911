/**
 * One turn on the page: the question, and the answer as it comes.
 *
 * Knows the elements of a turn and its states: waiting, flowing, done, stopped, failed; and that what comes may be held up.
 * Knows no protocol and asks for nothing.
 */

import { Calls } from "./calls.js";
import { appendText } from "./growing-text.js";
import { Prose } from "./prose.js";
import { StructuredAnswer } from "./structured-answer.js";

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
    const { thoughts, reasoning, waiting, calls } = this.parts;
    thoughts.replaceChildren();
    reasoning.hidden = true;
    waiting.hidden = false;
    this.announcer?.reset();
    this.calls = new Calls(calls);
    this.#body();
    this.coming = nothing();
    this.#state("waiting");
    this.lost("");
    this.#note(note);
    this.#facts("", []);
  }

  /** The next piece of the answer's text. It is on the page with the next frame. */
  text(piece) {
    this.coming.text += piece;
    this.#later();
  }

  reasoning(piece) {
    this.coming.reasoning += piece;
    this.#later();
  }

  /** A tool is called: its `name`, or the next piece of its arguments, as `delta`. */
  call(call) {
    this.coming.calls.push(call);
    this.#later();
  }

  /** What is copied of the answer. */
  get copied() {
    return this.body.copied(this.turn.text);
  }

  /** Show at once what has come of the answer before this page did. */
  restore({ text, reasoning, calls = [] }) {
    if (this.announcer) this.announcer.isMuted = true;
    this.coming = { text, reasoning, calls: [...calls] };
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

  /** The answer has ended as `state`: done, stopped or failed, with a `note` to the reader. */
  settle({ state, note = "", model = "", facts = [] }) {
    this.#flush();
    this.body.end(state !== "done");
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
    const { text, reasoning, calls } = this.coming;
    this.coming = nothing();
    if (reasoning) this.#think(reasoning);
    for (const call of calls) this.#call(call);
    if (text || calls.length) this.#state("flowing");
    if (text) this.body.feed(text);
    if (text || reasoning || calls.length) this.grown?.();
  }

  /** Where the answer's text goes: a form where it was asked for as a document. */
  #body() {
    const { card, prose, copy, label } = this.parts;
    const { schema } = this.turn;
    card.hidden = true;
    card.replaceChildren();
    this.body = schema ? new StructuredAnswer({ card, prose }, schema, this.announcer) : new Prose(prose, this.announcer);
    label.textContent = this.body.copies;
    delete copy.dataset.says;
  }

  #call(call) {
    this.calls.take(call);
    if (call.name) this.announcer?.say(`Calls ${call.name}.`);
  }

  #think(piece) {
    const { reasoning, thoughts, waiting } = this.parts;
    if (reasoning.hidden) this.announcer?.say("The model is thinking.");
    reasoning.hidden = false;
    waiting.hidden = true;
    appendText(thoughts, piece);
  }

  #state(state) {
    if (this.element.dataset.state === state) return;
    const coming = state === "waiting" || state === "flowing";
    this.element.dataset.state = state;
    this.parts.answer.setAttribute("aria-busy", String(coming));
    this.parts.waiting.hidden = state !== "waiting";
    this.parts.thinking.textContent = state === "waiting" ? "Thinking" : "Reasoning";
    this.parts.foot.hidden = coming;
    this.parts.copy.hidden = coming || this.body.isEmpty;
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

function nothing() {
  return { text: "", reasoning: "", calls: [] };
}

function row(value, label) {
  const item = document.createElement("li");
  const strong = document.createElement("b");
  strong.textContent = value;
  item.append(strong, label && ` ${label}`);
  return item;
}
