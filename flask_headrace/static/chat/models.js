/**
 * The choice of a model.
 *
 * Knows `GET /api/models` and one select element, and stores the choice. Without the list the page still works: the server
 * then uses its default.
 */

/** @import { JSONStorage } from "./storage.js" */

/**
 * @typedef {{id: string, name: string, provider: string, embedded?: boolean}} Model
 * @typedef {{default: string | null, models: Model[]}} ModelList
 */

const EMBEDDED_NOTE = "is a small model on this machine, for trying things out. It knows little and errs often.";

/** Fills a select element with the models of the service, and remembers the choice. */
export class ModelSelect {
  /** @type {Set<string>} The ids of the models that run inside the service. */
  #embedded = new Set();

  /**
   * @param {HTMLSelectElement} select
   * @param {HTMLElement} about shows a sentence on the selected model
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
   * Load the list of models. Where that fails, the server's default stays selected.
   *
   * @param {string} url address of the list
   * @param {Record<string, string>} headers headers that authorize the request
   * @param {() => void} onUnauthorized called where the server requires a key
   */
  async load(url, headers, onUnauthorized) {
    try {
      const response = await fetch(url, { headers: { Accept: "application/json", ...headers } });
      if (response.status === 401) onUnauthorized();
      if (!response.ok) throw new Error(`status ${response.status}`);
      this.#fill(await response.json());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      console.info(`No list of models (${reason}); the server's default is used.`);
    }
  }

  /** @param {ModelList} list */
  #fill({ default: defaultId, models }) {
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
    const stored = this.storage.read("model");
    this.select.value = models.find(({ id }) => id === stored)?.id ?? defaultId ?? "";
    this.#describe();
  }

  #describe() {
    const { value, selectedOptions } = this.select;
    if (!value) this.about.textContent = "There is no model to ask. Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name one in HEADRACE_MODEL.";
    else if (this.#embedded.has(value)) this.about.textContent = `${selectedOptions[0].text} ${EMBEDDED_NOTE}`;
    else this.about.textContent = "A model can be wrong. Check what matters.";
  }
}

/** @param {Model} model */
function createOption({ id, name }) {
  return new Option(name, id);
}
