/**
 * A JSON document that grows: text in, ops out, each piece at the cost of its length; and the document that ops make.
 *
 *   const parser = new PartialJSON(), document = new JSONDocument();
 *   for await (const delta of deltas) show(document.apply(parser.feed(delta)));
 *   parser.end();
 *
 * The ops are those of the native protocol's `partial` frames, whose reader needs no parser: `document.apply(frame.ops)`.
 *
 * Nothing is guessed: a number is there when something follows it, `tr` is nothing, half a surrogate pair waits for its
 * other half. Otherwise this is strict JSON (RFC 8259). The value of a key that comes twice takes the place of the first
 * one, as in JSON.parse. Text before the document and a Markdown fence around it are skipped (json-opening.js), and where
 * there was any, what follows is, too; a document that nothing came before must be all there is.
 *
 * Knows no DOM and no connection. tests/core/partial_json/cases.json holds what this and the server's parser must both do.
 */

import { Grammar, JSONError } from "./json-grammar.js";
import { Opening } from "./json-opening.js";

export { JSONDocument } from "./json-document.js";
export { JSONError };

/** Arrays and objects that may be open inside each other. */
export const MAX_DEPTH = 64;

/** Characters that a path may have: every op carries one, so this bounds their size. */
export const MAX_PATH = 1024;

/** UTF-16 units that a text may have, with what is around its document. */
export const MAX_SIZE = 8 * 1024 * 1024;

/** Reads one document, however its text is cut. After an error it answers everything with the same one. */
export class PartialJSON {
  /** Whether the document's first character has come. */
  isBegun = false;
  #opening = new Opening();
  #grammar;
  #maxSize;
  #seen = 0;
  #error = null;

  constructor({ maxDepth = MAX_DEPTH, maxPath = MAX_PATH, maxSize = MAX_SIZE } = {}) {
    this.#grammar = new Grammar(maxDepth, maxPath);
    this.#maxSize = maxSize;
  }

  /** Whether the document's last character has come. */
  get isComplete() {
    return this.#grammar.isComplete;
  }

  /**
   * Take the next piece of the text and return the ops of what it changes. Throws a JSONError where it is no JSON from some
   * character on, or goes beyond a limit; the error's `ops` are what the piece has changed before that.
   */
  feed(delta) {
    if (this.#error) throw this.#error;
    this.#seen += delta.length;
    if (this.#seen > this.#maxSize) {
      throw this.#refused(new JSONError("too long", `The text has more than ${this.#maxSize} characters`, this.#maxSize));
    }
    return this.#read(delta);
  }

  /**
   * Return the ops of what the end of the text changes: a number that is the whole document is there now. Throws a JSONError
   * where the text was refused before, or its document is not complete. May be called twice.
   */
  end() {
    if (this.#error) throw this.#error;
    const ops = this.isBegun ? [] : this.#read(" ");
    if (this.isComplete) return ops;
    const place = this.#grammar.innermost;
    const where = place ? `the value at ${JSON.stringify(place)}` : "the document";
    const what = this.isBegun ? `The text ends inside ${where}` : "There is no JSON document in the text";
    throw this.#refused(new JSONError("incomplete", what, this.#seen));
  }

  #read(delta) {
    try {
      this.#grammar.read(this.isBegun ? delta : this.#document(delta), this.#seen);
    } catch (error) {
      throw error instanceof JSONError ? this.#refused(error) : error;
    }
    return this.#taken();
  }

  #document(delta) {
    const document = this.#opening.feed(delta);
    if (document === null) return "";
    this.isBegun = true;
    this.#grammar.skipsRest = !this.#opening.isAlone;
    return document;
  }

  #refused(error) {
    error.ops = this.#taken();
    this.#error = error;
    return error;
  }

  #taken() {
    const { ops } = this.#grammar;
    this.#grammar.ops = [];
    return ops;
  }
}
