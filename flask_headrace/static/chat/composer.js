/**
 * Where the reader writes.
 *
 * Knows the keys of a text field: Enter sends, Shift+Enter breaks the line, and an Enter that ends a composition (as when
 * writing Japanese) does neither. Knows nothing of what is sent where.
 */

export class Composer {
  /** `send(text)` is called with what was written and returns whether it was taken; `stop()` when the reader wants an end. */
  constructor(form, { send, stop }) {
    this.form = form;
    this.field = form.elements.question;
    this.sendButton = form.querySelector("[data-part=send]");
    this.stopButton = form.querySelector("[data-part=stop]");
    this.send = send;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("input", () => this.#fit());
    this.stopButton.addEventListener("click", () => stop());
    this.#fit();
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  /** Show the stop button while an answer is coming, else the send button. */
  set busy(busy) {
    const inside = this.form.contains(document.activeElement);
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    // A button that goes away takes the focus with it.
    if (inside && !this.form.contains(document.activeElement)) this.focus();
    this.#fit();
  }

  #key(event) {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.field.value.trim();
    if (!text || !this.send(text)) return;
    this.field.value = "";
    this.#fit();
  }

  #fit() {
    this.sendButton.disabled = !this.field.value.trim();
    if (CSS.supports("field-sizing", "content")) return;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}
