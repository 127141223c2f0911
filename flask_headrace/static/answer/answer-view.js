/**
 * An answer on the page: its text, and between it what the model thought and which tools it called, in the order in which
 * they came. Only the end grows, so what was read stays where it is.
 *
 * Takes the pieces of parts.js. An answer that is one document has one place for all its text.
 */

import { Calls } from "./calls.js";
import { Prose } from "./prose.js";
import { StructuredAnswer } from "./structured-answer.js";
import { Thoughts } from "./thoughts.js";

export class Flow {
  /** Write into `element`, which is emptied. `schema` is there where a document was asked for; `announcer` may be null. */
  constructor(element, schema, announcer) {
    element.replaceChildren();
    Object.assign(this, { element, announcer, calls: new Map() });
    this.document = schema ? new StructuredAnswer(schema, announcer) : null;
    if (this.document) element.append(this.document.element);
    // What grows, at the end.
    this.part = null;
  }

  /** Put the next piece where it belongs. */
  take({ type, text, ...call }) {
    switch (type) {
      case "text":
        return this.#text(text);
      case "reasoning":
        return this.#think(text);
      case "call":
        return this.#call(text, call);
    }
  }

  /** It ends here; `isCut` where there should have been more. */
  end(isCut) {
    this.#leave(isCut);
    this.document?.end(isCut);
    for (const call of this.calls.values()) call.end(isCut);
  }

  #text(text) {
    if (this.part?.type !== "text") this.#begin(this.document ?? new Prose(this.announcer));
    this.part.feed(text);
  }

  #think(text) {
    if (this.part?.type !== "reasoning") {
      this.#begin(new Thoughts());
      this.announcer?.say("The model is thinking.");
    }
    this.part.feed(text);
  }

  #call(text, { call, name, isWhole }) {
    if (name) {
      if (this.part?.type !== "call") this.#begin(new Calls());
      this.calls.set(call, this.part.begin(name));
      this.announcer?.say(`Calls ${name}.`);
    }
    this.calls.get(call)?.feed(text);
    if (isWhole) this.calls.get(call)?.end(false);
  }

  #begin(part) {
    this.#leave(false);
    this.part = part;
    if (part === this.document) return;
    // The form stands there from the beginning, and what comes before its first field comes above it.
    if (this.document?.isAwaited) this.document.element.before(part.element);
    else this.element.append(part.element);
  }

  /** Something else comes, or nothing more. A document goes on after it. */
  #leave(isCut) {
    if (this.part !== this.document) this.part?.end(isCut);
    this.part = null;
  }
}
