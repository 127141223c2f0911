/**
 * A sentence at the foot of the page that goes away by itself, with a button, such as one that undoes what was done.
 *
 * Knows one element. A reader who has the pointer or the focus there is not hurried.
 */

import { findElement } from "../dom/elements.js";

const SHOWN_MS = 12_000;

/** Shows one sentence at a time. */
export class Notice {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {(() => void) | null} */
  #act = null;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.text = findElement(element, "[data-part=text]", HTMLElement);
    this.button = findElement(element, "[data-part=action]", HTMLButtonElement);
    this.button.addEventListener("click", () => {
      const act = this.#act;
      this.hide();
      act?.();
    });
    for (const type of ["pointerenter", "focusin"]) element.addEventListener(type, () => clearTimeout(this.#timer));
    for (const type of ["pointerleave", "focusout"]) element.addEventListener(type, () => this.#hideSoon());
  }

  /**
   * Show a sentence.
   *
   * @param {string} text
   * @param {string} [label] of a button
   * @param {() => void} [act] called when the button is pressed
   */
  show(text, label = "", act) {
    this.#act = act ?? null;
    this.button.hidden = !act;
    this.button.textContent = label;
    this.element.hidden = false;
    // A status is read out when its text comes into the page.
    this.text.textContent = text;
    this.#hideSoon();
  }

  /** Show nothing. */
  hide() {
    clearTimeout(this.#timer);
    this.element.hidden = true;
    this.text.textContent = "";
    this.#act = null;
  }

  #hideSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), SHOWN_MS);
  }
}
