/**
 * The choice of a model.
 *
 * Knows one select element, and stores the choice. Without the list of models the page still works: the server then uses its
 * default.
 */

import { describeError } from "../answer/error-text.js";
import { ModelList } from "./model-list.js";

/** @import { Model } from "./model-list.js" */
/** @import { JSONStorage } from "./storage.js" */

const USUAL_NOTE = "A model can be wrong. Check what matters.";
const EMBEDDED_NOTE = "is a small model on this machine, for trying things out. It knows little and errs often.";
const NO_MODEL_NOTE = "This service has no model to ask. If you run it, set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name one in HEADRACE_MODEL.";
const KEY_NOTE = "The list of models comes once a key is entered.";
/** @type {(reason: string) => string} */
const failedNote = (reason) => `The list of models cannot be had: ${reason} It is asked for again by itself.`;
/** @type {(chosen: string, used: string) => string} */
const missingNote = (chosen, used) => `${chosen}, which you chose, is not in the list of models now. ${used} answers.`;

/** Fills a select element with the models of the service, and remembers the choice. */
export class ModelSelect {
  /** @type {Set<string>} The ids of the models that run inside the service. */
  #embedded = new Set();
  /** The models that the element shows. @type {Model[] | null} */
  #shown = null;
  /** @type {ModelList | null} */
  list = null;

  /**
   * @param {HTMLSelectElement} select
   * @param {HTMLElement} about shows a sentence on the selected model, or on a list that cannot be had
   * @param {JSONStorage} storage
   */
  constructor(select, about, storage) {
    this.select = select;
    this.about = about;
    this.storage = storage;
    select.addEventListener("change", () => {
      storage.write("model", select.value);
      this.#describe();
    });
  }

  /** The id of the selected model; undefined for the server's default. */
  get selected() {
    return this.select.value || undefined;
  }

  /**
   * Load the list of models, until it is there. Before that, the list of the last visit is shown, or else the server's default.
   *
   * @param {string} url address of the list
   * @param {Record<string, string>} headers headers that authorize the request
   * @param {() => void} onUnauthorized called where the server requires a key
   */
  async load(url, headers, onUnauthorized) {
    this.list ??= new ModelList({ url, storage: this.storage });
    this.list.headers = () => headers;
    this.list.onChange = () => {
      this.#show();
      if (this.list?.state === "unauthorized") onUnauthorized();
    };
    await this.list.load();
  }

  #show() {
    const { models = [], state, isKept } = this.list ?? {};
    // Options that are replaced close the element's menu.
    if ((state === "ready" || isKept) && JSON.stringify(models) !== JSON.stringify(this.#shown)) this.#fill(models);
    this.#describe();
  }

  /** @param {Model[]} models */
  #fill(models) {
    this.#shown = models;
    this.#embedded = new Set(models.filter(({ embedded }) => embedded).map(({ id }) => id));
    const groups = Map.groupBy?.(models, ({ provider }) => provider) ?? new Map([["", models]]);
    const options = [...groups].flatMap(([provider, members]) => {
      if (groups.size === 1) return members.map(createOption);
      const group = document.createElement("optgroup");
      group.label = provider;
      group.append(...members.map(createOption));
      return [group];
    });
    this.select.replaceChildren(...(models.length ? options : [new Option("No model", "")]));
    this.select.value = models.find(({ id }) => id === this.#chosen)?.id ?? this.list?.default ?? "";
    // A select without a selected option looks broken.
    if (this.select.selectedIndex < 0) this.select.selectedIndex = 0;
  }

  /** The id of the model that the reader has chosen, now or on an earlier visit. */
  get #chosen() {
    return this.storage.read("model");
  }

  #describe() {
    this.about.textContent = this.#note();
  }

  #note() {
    const { state = "loading", error = null, models = [] } = this.list ?? {};
    const { value, selectedOptions } = this.select;
    const name = selectedOptions[0]?.text ?? "";
    if (state === "failed" && error) return failedNote(describeError(error).text);
    if (state === "unauthorized") return KEY_NOTE;
    if (state === "ready" && !models.length) return NO_MODEL_NOTE;
    const chosen = this.#chosen;
    if (state === "ready" && typeof chosen === "string" && chosen && value !== chosen) return missingNote(chosen, name);
    return this.#embedded.has(value) ? `${name} ${EMBEDDED_NOTE}` : USUAL_NOTE;
  }
}

/** @param {Model} model */
function createOption({ id, name }) {
  return new Option(name ?? id, id);
}
