/**
 * The body of an answer that is one JSON document: a form that fills in while its text comes; else the text.
 *
 * Reads the text itself and not the `partial` frames that tell the same, since the text is what a turn keeps: an answer that
 * comes, one that goes on after a reload, and one that was stored are shown in the same way.
 */

import { Both } from "./both.js";
import { Fields } from "./fields.js";
import { Form } from "./form.js";
import { JSONDocument, JSONError, PartialJSON } from "./partial-json.js";
import { Prose } from "./prose.js";
import { Readout } from "./readout.js";

const OPERATIONS = ["expect", "open", "text", "close"];

export class StructuredAnswer {
  type = "text";

  /** Fill in an `element` of its own, by the names that `schema` has; `announcer` may be null. */
  constructor(schema, announcer) {
    Object.assign(this, { announcer, parser: new PartialJSON(), document: new JSONDocument() });
    this.card = element("form");
    Object.assign(this.card, { role: "group", dir: "auto" });
    // For a text that is no document.
    this.prose = new Prose(null);
    this.element = element("document");
    this.element.append(this.card, this.prose.element);
    const form = new Form(this.card);
    this.fields = new Fields(schema, announcer ? new Both(OPERATIONS, form, new Readout(announcer)) : form);
    // Kept for where it turns out to be no document.
    this.text = "";
    this.isWrong = false;
  }

  /** Whether nothing of its text has come. */
  get isAwaited() {
    return this.text === "";
  }

  /** Whether there is something of a document. */
  get hasBegun() {
    return this.document.value !== undefined;
  }

  /** What is copied of an answer whose text is `text`: the document, as far as it came. */
  copied(text) {
    return this.hasBegun ? laidOut(text, this.document.value) : text;
  }

  feed(text) {
    this.text += text;
    if (!this.isWrong) this.#read(() => this.parser.feed(text));
    else if (this.hasBegun) this.prose.renderer.text(text);
    this.prose.renderer.flush();
  }

  /** It ends here; `isCut` where there should have been more. */
  end(isCut) {
    if (!isCut && !this.isWrong) this.#read(() => this.parser.end());
    this.fields.end();
    if (!this.hasBegun) this.#speak(isCut);
  }

  #read(ops) {
    try {
      this.#grow(ops());
    } catch (error) {
      if (!(error instanceof JSONError)) throw error;
      this.#grow(error.ops);
      // One that is only not complete is as it should be, as far as it goes.
      if (error.kind !== "incomplete") this.#giveUp();
    }
  }

  #grow(ops) {
    this.document.apply(ops);
    this.fields.take(ops);
  }

  /** It is no document from here on: show the text as it came. */
  #giveUp() {
    this.isWrong = true;
    this.fields.end();
    if (!this.hasBegun) return;
    this.prose.renderer.open("fence", { language: "" });
    this.prose.renderer.text(this.text);
  }

  /** There was no document in it: it is what the model says. */
  #speak(isCut) {
    const prose = new Prose(this.announcer);
    this.element.replaceChildren(prose.element);
    prose.feed(this.text);
    prose.end(isCut);
  }
}

function element(name) {
  const made = document.createElement("div");
  made.className = name;
  return made;
}

/** The document `value` on lines of its own, unless that would change more of its text than blanks, as in 1.0 or a long number. */
function laidOut(text, value) {
  if (!isJSON(text)) return JSON.stringify(value, null, 2);
  const bare = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
  return bare === JSON.stringify(value) ? JSON.stringify(value, null, 2) : text.trim();
}

function isJSON(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
