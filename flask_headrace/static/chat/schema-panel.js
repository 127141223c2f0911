/**
 * The choice of a shape for the answers: a button beside the composer, and a panel with a JSON Schema to paste or to edit.
 *
 * Remembers the schema's text and whether it is in use. What stands in a text is for schema-text.js to say.
 */

import { EXAMPLES } from "./examples.js";
import { readSchema, summaryOf } from "./schema-text.js";
import { Shape } from "./shape.js";

/** Milliseconds after the last key until the reader is told of a mistake. */
const PAUSE = 500;

export class Structured {
  constructor(button, panel, storage) {
    Object.assign(this, { button, panel, storage });
    this.parts = Object.fromEntries([...panel.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
    const { text, use } = this.parts;
    const kept = storage.read("schema");
    text.value = kept?.text ?? "";
    use.checked = Boolean(kept?.isUsed);
    button.addEventListener("click", () => (panel.hidden ? this.#open() : this.#close()));
    panel.addEventListener("click", ({ target }) => this.#clicked(target.closest("button")?.dataset ?? {}));
    panel.addEventListener("keydown", (event) => this.#key(event));
    use.addEventListener("change", () => this.#changed());
    text.addEventListener("input", () => this.#written());
    this.#changed();
  }

  /** What the next answer is to fit; undefined for one in text. */
  get schema() {
    return this.parts.use.checked ? (readSchema(this.parts.text.value).schema ?? undefined) : undefined;
  }

  /** Return whether one may ask, and make room for the answer; if not, show why. */
  check() {
    const isFit = !this.parts.use.checked || this.schema !== undefined;
    if (isFit) this.#show(false);
    else this.#open();
    return isFit;
  }

  /** Use the example of this name. */
  take(example) {
    this.parts.text.value = JSON.stringify(EXAMPLES[example], null, 2);
    this.parts.text.scrollTop = 0;
    this.parts.use.checked = true;
    this.#changed();
  }

  #open() {
    this.#show(true);
    this.parts.text.focus();
  }

  #close() {
    this.#show(false);
    this.button.focus();
  }

  #show(isShown) {
    this.panel.hidden = !isShown;
    this.button.setAttribute("aria-expanded", String(isShown));
  }

  #clicked({ example, part }) {
    if (example) this.take(example);
    if (part === "close") this.#close();
  }

  #key(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    // Elsewhere it stops an answer.
    event.stopPropagation();
    this.#close();
  }

  #written() {
    this.parts.use.checked = Boolean(this.parts.text.value.trim());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#changed(), PAUSE);
    this.#changed(this.parts.state.textContent);
  }

  /** Show what there is, and remember it. `says` is what the state's line still says while one writes. */
  #changed(says) {
    const { text, use, state } = this.parts;
    const { schema, mistake } = readSchema(text.value);
    const isWrong = use.checked && !schema;
    state.textContent = says ?? (schema ? `Fields: ${summaryOf(schema)}` : mistake);
    state.toggleAttribute("data-wrong", says === undefined && Boolean(mistake && text.value.trim()));
    text.setAttribute("aria-invalid", String(isWrong));
    this.button.toggleAttribute("data-used", use.checked);
    this.button.toggleAttribute("data-wrong", isWrong);
    this.button.querySelector("[data-part=name]").textContent = use.checked && schema ? new Shape(schema).title : "";
    this.storage.write("schema", text.value ? { text: text.value, isUsed: use.checked } : null);
  }
}
