/**
 * The body of an answer that is one JSON document: a form that fills in while the text comes; or else the text.
 *
 * Parses the text itself, and not the `partial` frames with the same content, because the text is what a turn keeps: an answer
 * that comes, one that goes on after a reload, and one that was stored are shown in the same way.
 */

import { createElement } from "../dom/elements.js";
import { FIELD_OPERATIONS, Fields } from "../form/fields.js";
import { Form } from "../form/form.js";
import { ExactNumber, exactNumber } from "../json/exact-number.js";
import { indentJSON } from "../json/json-text.js";
import { JSONDocument, JSONError, PartialJSON } from "../json/partial-json.js";
import { FormAnnouncer } from "./form-announcer.js";
import { Prose } from "./prose.js";
import { makeNameUnique } from "./region-names.js";
import { tee } from "./tee.js";

/** @import { FieldSink } from "../form/fields.js" */
/** @import { JSONValue, Op } from "../json/document.js" */
/** @import { Announcer } from "./announcer.js" */

/** Shows an answer that is to be one JSON document as a form; as text where it is none. */
export class StructuredAnswer {
  type = /** @type {const} */ ("text");
  /** The whole text, for when it turns out to be no document. */
  text = "";
  isInvalid = false;

  /**
   * Make the `element` with an empty form.
   *
   * @param {object} schema the document's JSON Schema, which names the fields
   * @param {Announcer | null} announcer reads the form out; null for no one
   */
  constructor(schema, announcer) {
    this.announcer = announcer;
    this.parser = new PartialJSON({ parseNumber: exactNumber });
    this.document = new JSONDocument();
    this.card = createElement("div", { className: "form", role: "group", dir: "auto" });
    /** Shows a text that is no document. */
    this.prose = new Prose(null);
    this.element = createElement("div", { className: "document" });
    this.element.append(this.card, this.prose.element);
    const form = new Form(this.card);
    /** @type {FieldSink} */
    const sink = announcer ? tee(FIELD_OPERATIONS, form, new FormAnnouncer(announcer)) : form;
    this.fields = new Fields(schema, sink);
    makeNameUnique(this.card);
  }

  /** Whether no text has come yet. */
  get isAwaited() {
    return this.text === "";
  }

  /** Whether something of a document has come. */
  get hasBegun() {
    return this.document.value !== undefined;
  }

  /**
   * Return what is copied of the answer: the document as far as it has come, or the text.
   *
   * @param {string} text the answer's text
   */
  copyText(text) {
    return this.document.value === undefined ? text : indentDocument(text, this.document.value);
  }

  /** @param {string} text the next text */
  append(text) {
    this.text += text;
    if (!this.isInvalid) this.#apply(() => this.parser.feed(text));
    else if (this.hasBegun) this.prose.renderer.text(text);
    this.prose.renderer.flush();
  }

  /** @param {boolean} isCut whether the answer is incomplete */
  end(isCut) {
    if (!isCut && !this.isInvalid) this.#apply(() => this.parser.end());
    this.fields.end();
    if (!this.hasBegun) this.#showProse(isCut);
  }

  /**
   * Show what the parser makes of the text.
   *
   * @param {() => Op[]} parse calls the parser
   */
  #apply(parse) {
    try {
      this.#applyOps(parse());
    } catch (error) {
      if (!(error instanceof JSONError)) throw error;
      this.#applyOps(error.ops);
      // A document that is only incomplete is right as far as it goes.
      if (error.kind !== "incomplete") this.#giveUp();
    }
  }

  /** @param {Op[]} ops */
  #applyOps(ops) {
    this.document.apply(ops);
    this.fields.apply(ops);
  }

  /** Show the text as it came, below the form: it is no document from here on. */
  #giveUp() {
    this.isInvalid = true;
    this.fields.end();
    if (!this.hasBegun) return;
    this.prose.renderer.open("fence", { language: "" });
    this.prose.renderer.text(this.text);
  }

  /**
   * Show the text as prose: no document was in it.
   *
   * @param {boolean} isCut
   */
  #showProse(isCut) {
    const prose = new Prose(this.announcer);
    this.element.replaceChildren(prose.element);
    prose.append(this.text);
    prose.end(isCut);
  }
}

/**
 * Return a document with line breaks and indentation, and with the digits of its numbers.
 *
 * @param {string} text the answer's text
 * @param {JSONValue} value the document, for a text in which it is not alone or not complete
 */
function indentDocument(text, value) {
  return isJSON(text) ? indentJSON(text) : writeJSON(value);
}

/**
 * Return a document as `JSON.stringify(value, null, 2)` does, with the digits of its numbers.
 *
 * @param {JSONValue} value
 * @param {string} [indentation] what begins each line
 * @returns {string}
 */
function writeJSON(value, indentation = "\n") {
  if (value instanceof ExactNumber) return value.digits;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${indentation}  `;
  const members = Array.isArray(value)
    ? value.map((item) => writeJSON(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${writeJSON(item, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return members.length ? `${open}${inner}${members.join(`,${inner}`)}${indentation}${close}` : `${open}${close}`;
}

/** @param {string} text */
function isJSON(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
