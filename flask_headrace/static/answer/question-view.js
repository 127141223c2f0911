/**
 * A question on the page, and the field in which the reader edits it.
 *
 * Knows the elements of a question. What an edited question is used for, others decide.
 */

import { createElement, findElement } from "../dom/elements.js";
import { translate } from "../words/words.js";

/** Shows a question; lets the reader edit it. */
export class QuestionView {
  /** @type {HTMLFormElement | null} The form in which the question is edited now. */
  #form = null;

  /**
   * @param {HTMLElement} element the element of the question, with a paragraph for its text
   * @param {string} question
   * @param {(question: string) => boolean} onEdit called with the edited question; returns whether it was sent
   */
  constructor(element, question, onEdit) {
    this.element = element;
    this.question = question;
    this.onEdit = onEdit;
    this.text = findElement(element, "[data-part=question]", HTMLElement);
    this.text.textContent = question;
  }

  /** Let the reader edit the question, in its place. */
  edit() {
    if (this.#form) return this.#form.querySelector("textarea")?.focus();
    const field = createElement("textarea", { value: this.question, dir: "auto", rows: 3, ariaLabel: translate("question.edit-label") });
    const send = createElement("button", { type: "submit", className: "send-edit", textContent: translate("question.send") });
    const cancel = createElement("button", { type: "button", className: "quiet", textContent: translate("question.cancel") });
    const buttons = createElement("div", { className: "buttons" });
    buttons.append(send, cancel);
    this.#form = createElement("form", { className: "editor" });
    this.#form.append(field, buttons);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(field.value.trim());
    });
    cancel.addEventListener("click", () => this.#close());
    field.addEventListener("keydown", (event) => this.#onKey(event));
    this.text.hidden = true;
    this.element.append(this.#form);
    this.element.toggleAttribute("data-editing", true);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const isComposing = event.isComposing || event.keyCode === 229;
    if (isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#form?.requestSubmit();
    } else if (event.key === "Escape") {
      // Escape stops an answer elsewhere on the page.
      event.stopPropagation();
      this.#close();
    }
  }

  /** @param {string} question */
  #send(question) {
    if (question && this.onEdit(question)) this.#close();
  }

  #close() {
    this.#form?.remove();
    this.#form = null;
    this.text.hidden = false;
    this.element.removeAttribute("data-editing");
    findElement(this.element, "[data-part=edit]", HTMLElement).focus();
  }
}
