/**
 * A growing JSON document: text in, ops out, each piece at the cost of its length; and the document that the ops build.
 *
 *   const parser = new PartialJSON(), document = new JSONDocument();
 *   for await (const delta of deltas) show(document.apply(parser.feed(delta)));
 *   parser.end();
 *
 * The ops are those of the native protocol's `partial` frames. A page that receives frames needs no parser:
 * `document.apply(frame.ops)`.
 *
 * The parser never guesses: a number appears when a character follows it, `tr` shows nothing, half a surrogate pair waits
 * for its other half. Otherwise this is strict JSON (RFC 8259). The second value of a repeated key replaces the first one, as
 * in JSON.parse. Sentences and Markdown fences around the document are skipped (locate.js, following.js), and so is the same
 * document again; another document is an error.
 *
 * Knows neither the DOM nor a connection. tests/core/partial_json/cases.json holds what this parser and the server's must both do.
 */

import { JSONError } from "./errors.js";
import { FollowingText } from "./following.js";
import { Grammar } from "./grammar.js";
import { DocumentLocator } from "./locate.js";

/** @import { Op } from "./document.js" */

export { JSONDocument } from "./document.js";
export { JSONError };

/** Default limit for arrays and objects inside each other. */
export const MAX_DEPTH = 64;

/** Default limit for the characters of a path. Every op carries a path, so this bounds the size of an op. */
const MAX_PATH_LENGTH = 1024;

/** Default limit for the UTF-16 units of the whole text, including what is around the document. */
const MAX_TEXT_LENGTH = 8 * 1024 * 1024;

/** Parses one document. The ops do not depend on how the text is cut, apart from where strings are cut. */
export class PartialJSON {
  /** Whether the document's first character has come. */
  isBegun = false;
  #locator = new DocumentLocator();
  #grammar;
  /** The document's text so far, with which a repetition is compared. */
  #document = "";
  /** @type {FollowingText | null} */
  #following = null;
  #maxTextLength;
  #length = 0;
  /** @type {JSONError | null} */
  #error = null;

  /**
   * @param {object} [limits]
   * @param {number} [limits.maxDepth] most arrays and objects inside each other
   * @param {number} [limits.maxPathLength] most characters of a path
   * @param {number} [limits.maxTextLength] most UTF-16 units of the whole text
   */
  constructor({ maxDepth = MAX_DEPTH, maxPathLength = MAX_PATH_LENGTH, maxTextLength = MAX_TEXT_LENGTH } = {}) {
    this.#grammar = new Grammar(maxDepth, maxPathLength);
    this.#maxTextLength = maxTextLength;
  }

  /** Whether the document's last character has come. */
  get isComplete() {
    return this.#grammar.isComplete;
  }

  /**
   * Parse the next piece of the text.
   *
   * @param {string} delta
   * @returns {Op[]} what this piece changes in the document
   * @throws {JSONError} the text is not JSON, or exceeds a limit. The error's `ops` are what the piece has changed before
   *   that; every later call throws the same error
   */
  feed(delta) {
    if (this.#error) throw this.#error;
    this.#length += delta.length;
    const limit = this.#maxTextLength;
    if (this.#length > limit) {
      throw this.#fail(new JSONError("too long", `The text has more than ${limit} characters`, limit));
    }
    return this.#read(delta);
  }

  /**
   * End the text: only now a number that is the whole document is known to be complete. Idempotent.
   *
   * @returns {Op[]} what the end changes in the document
   * @throws {JSONError} of kind "incomplete" where the document is; or the error of an earlier call
   */
  end() {
    if (this.#error) throw this.#error;
    const ops = this.isBegun ? [] : this.#read(" ");
    this.#endFollowing();
    if (this.isComplete) return ops;
    const path = this.#grammar.innermostPath;
    const where = path ? `the value at ${JSON.stringify(path)}` : "the document";
    const message = this.isBegun ? `The text ends inside ${where}` : "The text contains no JSON document";
    throw this.#fail(new JSONError("incomplete", message, this.#length));
  }

  /** @param {string} delta */
  #read(delta) {
    try {
      if (this.#following) this.#following.read(delta, this.#length);
      else this.#readDocument(this.isBegun ? delta : this.#documentText(delta));
    } catch (error) {
      throw error instanceof JSONError ? this.#fail(error) : error;
    }
    return this.#takeOps();
  }

  #endFollowing() {
    try {
      this.#following?.end(this.#length);
    } catch (error) {
      throw error instanceof JSONError ? this.#fail(error) : error;
    }
  }

  /** @param {string} text the document's next text, and what follows the document */
  #readDocument(text) {
    const rest = this.#grammar.read(text, this.#length);
    this.#document += text.slice(0, text.length - rest.length);
    if (!this.isComplete) return;
    this.#following = new FollowingText(this.#document, this.#locator.isInFence);
    this.#document = "";
    this.#following.read(rest, this.#length);
  }

  /**
   * Return the part of a piece that belongs to the document, which has not begun before.
   *
   * @param {string} delta
   */
  #documentText(delta) {
    const [text, start] = this.#locator.find(delta);
    this.isBegun = start !== null;
    return start === null ? "" : text.slice(start);
  }

  /**
   * Make an error final, and return it.
   *
   * @param {JSONError} error
   */
  #fail(error) {
    error.ops = this.#takeOps();
    this.#error = error;
    return error;
  }

  #takeOps() {
    const { ops } = this.#grammar;
    this.#grammar.ops = [];
    return ops;
  }
}
