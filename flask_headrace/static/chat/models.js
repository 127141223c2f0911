/**
 * The choice of a model.
 *
 * Knows `GET /api/models` and one select element, and remembers what was chosen. Without the list the page still works: the
 * server then takes its default.
 */

const SMALL = "is a small model on this machine, for trying things out. It knows little and errs often.";

export class Models {
  constructor(select, about, storage) {
    Object.assign(this, { select, about, storage });
    this.embedded = new Set();
    select.addEventListener("change", () => {
      storage.write("model", select.value);
      this.#describe();
    });
  }

  /** The chosen model, or undefined: the server's default. */
  get chosen() {
    return this.select.value || undefined;
  }

  /** Fill the list; `refused` is called where the server wants a key. */
  async load(url, headers, refused) {
    try {
      const response = await fetch(url, { headers: { Accept: "application/json", ...headers } });
      if (response.status === 401) refused();
      if (!response.ok) throw new Error(`status ${response.status}`);
      this.#fill(await response.json());
    } catch (error) {
      console.info(`No list of models (${error.message}); the server's default is used.`);
    }
  }

  #fill({ default: first, models }) {
    this.embedded = new Set(models.filter(({ embedded }) => embedded).map(({ id }) => id));
    const groups = Map.groupBy?.(models, ({ provider }) => provider) ?? new Map([["", models]]);
    const options = [...groups].map(([provider, members]) => {
      if (groups.size === 1) return members.map(option);
      const group = document.createElement("optgroup");
      group.label = provider;
      group.append(...members.map(option));
      return [group];
    });
    this.select.replaceChildren(...(models.length ? options.flat() : [new Option("No model", "")]));
    const remembered = this.storage.read("model");
    this.select.value = models.some(({ id }) => id === remembered) ? remembered : (first ?? "");
    this.#describe();
  }

  #describe() {
    const { value, selectedOptions } = this.select;
    if (!value) this.about.textContent = "There is no model to ask. Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name one in HEADRACE_MODEL.";
    else if (this.embedded.has(value)) this.about.textContent = `${selectedOptions[0].text} ${SMALL}`;
    else this.about.textContent = "A model can be wrong. Check what matters.";
  }
}

function option({ id, name }) {
  return new Option(name, id);
}
