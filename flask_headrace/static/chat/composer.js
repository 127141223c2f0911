/**
 * The field in which the reader writes, with its buttons.
 *
 * Knows the keys of a text field: Enter sends, Shift+Enter breaks the line, and an Enter that ends a composition (as when
 * writing Japanese) does neither. Does not know what happens to a question.
 */

import { findElement } from "../dom/elements.js";

/** The field for a question, with the buttons that send the question and stop the answer. */
export class Composer {
  #send;

  /**
   * @param {HTMLFormElement} form
   * @param {object} options
   * @param {(text: string) => boolean} options.send called with a question; returns whether it was sent, and may be removed
   *   from the field
   * @param {() => void} options.stop called when the reader presses the stop button
   * @param {(text: string) => void} options.onInput called when the text in the field has changed
   */
  constructor(form, { send, stop, onInput }) {
    this.form = form;
    this.field = findElement(form, "textarea", HTMLTextAreaElement);
    this.sendButton = findElement(form, "[data-part=send]", HTMLButtonElement);
    this.stopButton = findElement(form, "[data-part=stop]", HTMLButtonElement);
    this.#send = send;
    this.onInput = onInput;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.field.addEventListener("keydown", (event) => this.#onKey(event));
    this.field.addEventListener("input", () => {
      this.#fit();
      onInput(this.field.value);
    });
    this.stopButton.addEventListener("click", () => stop());
    this.#fit();
  }

  /** Put the cursor into the field. */
  focus() {
    this.field.focus({ preventScroll: true });
  }

  /** @param {string} text what stands in the field */
  set text(text) {
    this.field.value = text;
    this.#fit();
  }

  /** Whether the reader is neither writing here nor busy elsewhere on the page. */
  get isUnused() {
    const focused = document.activeElement;
    return !this.field.value && (!focused || focused === document.body || this.form.contains(focused));
  }

  /** @param {boolean} isBusy whether an answer is coming: the stop button then takes the place of the send button */
  set isBusy(isBusy) {
    const hadFocus = this.form.contains(document.activeElement);
    this.sendButton.hidden = isBusy;
    this.stopButton.hidden = !isBusy;
    // A button that is hidden loses the focus.
    if (hadFocus && !this.form.contains(document.activeElement)) this.focus();
    this.#fit();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    // Some browsers report the end of a composition as the key 229.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.field.value.trim();
    if (!text || !this.#send(text)) return;
    this.text = "";
    this.onInput("");
  }

  /** Fit the buttons and the field's height to the field's text. */
  #fit() {
    this.sendButton.disabled = !this.field.value.trim();
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}
