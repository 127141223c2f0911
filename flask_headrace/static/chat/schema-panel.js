/**
 * The choice of a structured answer: a button beside the composer, and a panel with a JSON Schema to paste or to edit.
 *
 * Stores the schema's text and whether it is in use. What is wrong with a text is found by schema-text.js.
 */

import { findElement } from "../dom/elements.js";
import { SchemaShape } from "../form/schema-shape.js";
import { losesDigits } from "../json/exact-json.js";
import { SCHEMA_EXAMPLES } from "./schema-examples.js";
import { parseSchema, summarizeFields } from "./schema-text.js";

/** @import { JSONStorage } from "./storage.js" */

/** @typedef {{text: string, isUsed: boolean}} StoredSchema */

/** Time from the last key to the message about an invalid schema. */
const PROBLEM_DELAY_MS = 500;

/** Lets the reader edit a JSON Schema for the answers, and switch it on and off. */
export class SchemaPanel {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} button opens and closes the panel
   * @param {HTMLElement} panel
   * @param {JSONStorage} storage
   */
  constructor(button, panel, storage) {
    this.button = button;
    this.panel = panel;
    this.storage = storage;
    this.field = findElement(panel, "[data-part=text]", HTMLTextAreaElement);
    this.checkbox = findElement(panel, "[data-part=use]", HTMLInputElement);
    this.status = findElement(panel, "[data-part=state]", HTMLElement);
    this.name = findElement(button, "[data-part=name]", HTMLElement);
    const stored = /** @type {StoredSchema | null} */ (storage.read("schema"));
    this.field.value = stored?.text ?? "";
    this.checkbox.checked = Boolean(stored?.isUsed);
    button.addEventListener("click", () => (panel.hidden ? this.#open() : this.#close()));
    panel.addEventListener("click", (event) => this.#onClick(event));
    panel.addEventListener("keydown", (event) => this.#onKey(event));
    this.checkbox.addEventListener("change", () => this.#update());
    this.field.addEventListener("input", () => this.#onInput());
    this.#update();
  }

  /** The JSON Schema of the next answer; undefined for an answer in text. */
  get schema() {
    return this.checkbox.checked ? (parseSchema(this.field.value).schema ?? undefined) : undefined;
  }

  /** What is asked of the next answer: the schema, and its text where that has numbers whose digits the schema does not keep. */
  get request() {
    const { schema } = this;
    const text = this.field.value;
    return schema && losesDigits(text) ? { schema, schemaText: text } : { schema };
  }

  /** Return whether a question can be sent. If so, close the panel to make room for the answer; if not, open it to show why. */
  validate() {
    const isValid = !this.checkbox.checked || this.schema !== undefined;
    if (isValid) this.#setOpen(false);
    else this.#open();
    return isValid;
  }

  /**
   * Use an example.
   *
   * @param {string} name a key of SCHEMA_EXAMPLES
   */
  useExample(name) {
    this.field.value = JSON.stringify(SCHEMA_EXAMPLES[name], null, 2);
    this.field.scrollTop = 0;
    this.checkbox.checked = true;
    this.#update();
  }

  #open() {
    this.#setOpen(true);
    this.field.focus();
  }

  #close() {
    this.#setOpen(false);
    this.button.focus();
  }

  /** @param {boolean} isOpen */
  #setOpen(isOpen) {
    this.panel.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
  }

  /** @param {MouseEvent} event */
  #onClick({ target }) {
    const { example, part } = (target instanceof Element ? target.closest("button") : null)?.dataset ?? {};
    if (example) this.useExample(example);
    if (part === "close") this.#close();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    // Outside of the panel, Escape stops an answer.
    event.stopPropagation();
    this.#close();
  }

  #onInput() {
    this.checkbox.checked = Boolean(this.field.value.trim());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#update(), PROBLEM_DELAY_MS);
    this.#update(this.status.textContent ?? "");
  }

  /**
   * Show what the text is, and store it.
   *
   * @param {string} [status] what the status line keeps showing while the reader writes
   */
  #update(status) {
    const { schema, problem } = parseSchema(this.field.value);
    const isInvalid = this.checkbox.checked && !schema;
    this.status.textContent = status ?? (schema ? `Fields: ${summarizeFields(schema)}` : problem);
    this.status.toggleAttribute("data-wrong", status === undefined && Boolean(problem && this.field.value.trim()));
    this.field.setAttribute("aria-invalid", String(isInvalid));
    this.button.toggleAttribute("data-used", this.checkbox.checked);
    this.button.toggleAttribute("data-wrong", isInvalid);
    this.name.textContent = this.checkbox.checked && schema ? new SchemaShape(schema).title : "";
    /** @type {StoredSchema} */
    const stored = { text: this.field.value, isUsed: this.checkbox.checked };
    this.storage.write("schema", this.field.value ? stored : null);
  }
}
