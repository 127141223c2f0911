/**
 * Tokens of HTML that grows, and of languages like it: scripts and styles in lines of their own are code of their own language.
 */

import { embeddedAfter } from "./code-languages.js";
import { CodeTokens } from "./code-tokens.js";

/** @import { Token, Tokenizer } from "./code-tokens.js" */

/** Reads HTML line by line, each line as what it is. Has the methods of CodeTokens. */
export class EmbeddedCodeTokens {
  /** The beginning of a line whose end has not come. */
  #line = "";
  /** @type {RegExp | null} What ends the code inside; null in HTML. */
  #end = null;
  #isClosed = false;

  /** @param {(grammar: string) => Tokenizer} tokenizerOf returns the tokenizer of the language inside; "xml" is the HTML */
  constructor(tokenizerOf) {
    this.tokenizerOf = tokenizerOf;
    /** Runs of lines of one language, of which only the last one grows. @type {CodeTokens[]} */
    this.runs = [new CodeTokens(tokenizerOf("xml"))];
    this.finishedWork = 0;
  }

  /** Characters that were read, each as often as it was. */
  get work() {
    return this.runs.reduce((sum, { work }) => sum + work, this.finishedWork);
  }

  /** @param {string} code the next code */
  append(code) {
    let start = 0;
    for (let end = code.indexOf("\n") + 1; end; end = code.indexOf("\n", start) + 1) {
      this.#addLine(this.#line + code.slice(start, end));
      this.#line = "";
      start = end;
    }
    this.#line += code.slice(start);
  }

  /** End the code. */
  close() {
    if (this.#isClosed) return;
    this.#addLine(this.#line);
    this.#line = "";
    this.#last.close();
    this.#isClosed = true;
  }

  /** Whether there is nothing more to settle before more code comes. */
  get isIdle() {
    return this.runs[0].isIdle && !(this.runs[0].isDone && this.runs.length > 1);
  }

  /** Whether all code is settled, and no more comes. */
  get isDone() {
    return this.#isClosed && this.runs.every(({ isDone }) => isDone);
  }

  /**
   * Return the tokens that are settled now.
   *
   * @param {number} budget about how many characters to read
   */
  settle(budget) {
    /** @type {Token[]} */
    const settled = [];
    const limit = this.work + budget;
    while (this.work < limit) {
      for (const token of this.runs[0].settle(limit - this.work)) settled.push(token);
      if (!this.runs[0].isDone || this.runs.length === 1) break;
      this.finishedWork += this.runs[0].work;
      this.runs.shift();
    }
    return settled;
  }

  /** Return what the code that is not settled looks like. */
  looks() {
    const line = this.#line;
    return this.runs.flatMap((run) => run.looks(run === this.#last ? line : ""));
  }

  get #last() {
    return /** @type {CodeTokens} */ (this.runs.at(-1));
  }

  /** @param {string} line */
  #addLine(line) {
    if (this.#end?.test(line)) {
      this.#end = null;
      this.#begin("xml");
    }
    this.#last.append(line);
    const inside = this.#end ? null : embeddedAfter(line);
    if (!inside) return;
    this.#end = inside.end;
    this.#begin(inside.grammar);
  }

  /** @param {string} grammar */
  #begin(grammar) {
    this.#last.close();
    this.runs.push(new CodeTokens(this.tokenizerOf(grammar)));
  }
}
