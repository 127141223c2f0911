/**
 * The code of a block, highlighted while it comes. Its text is that of the answer at any moment: what is highlighted is only
 * wrapped in elements. Where the library that highlights cannot be had, or does not know the language, it stays plain.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";
import { frames } from "../dom/frame-queue.js";
import { grammarOf } from "./code-languages.js";
import { CodeTokens } from "./code-tokens.js";
import { EmbeddedCodeTokens } from "./embedded-code-tokens.js";
import { tokenizersFor } from "./highlighter.js";

/** @import { OnDemand } from "../dom/on-demand.js" */
/** @import { Token, Tokenizer } from "./code-tokens.js" */
/** @import { Tokenizers } from "./highlighter.js" */

/** Characters of code after which what comes is not highlighted: a page has room for so many elements. */
const MAX_HIGHLIGHTED = 250_000;

/** Most characters that are read once more, as a whole, at their end: some constructs are recognised by lines after them. */
const MAX_WHOLE = 16_000;

/** Highlights the code of one element. */
export class CodeView {
  #source = "";
  #isClosed = false;
  /** @type {ChildNode | null} The last node whose look is settled. */
  #settled = null;
  /** @type {CodeTokens | EmbeddedCodeTokens | null} */
  #tokens = null;
  /** How many characters the tokens were given. */
  #given = 0;
  #isFinished = false;
  /** @type {HTMLElement | null} What takes the code that is not highlighted. */
  #plain = null;

  /**
   * @param {HTMLElement} element
   * @param {string} language as the model calls it
   */
  constructor(element, language, load = tokenizersFor, queue = frames) {
    this.element = element;
    this.queue = queue;
    this.grammar = grammarOf(language);
    /** @type {OnDemand<Tokenizers> | null} */
    this.loader = this.grammar === null ? null : load(this.grammar);
  }

  /** @param {string} code the next code; it is plain until the next frame */
  append(code) {
    if (!this.loader || this.#plain) return appendText(this.#plain ?? this.element, code);
    // What is settled takes no more text.
    if (this.#settled && this.#settled === this.element.lastChild) this.element.append(code);
    else appendText(this.element, code);
    this.#source += code;
    if (this.#source.length > MAX_HIGHLIGHTED) {
      this.#plain = createElement("span");
      this.element.append(this.#plain);
    }
    this.#request(this.loader);
  }

  /** End the code. */
  close() {
    this.#isClosed = true;
    if (this.loader && this.#source) this.#request(this.loader);
  }

  /**
   * Highlight what has come, or about as much of it as the budget allows.
   *
   * @param {number} budget characters to read
   * @returns {number} how many were read
   */
  render(budget) {
    const tokenizers = this.loader?.value;
    if (!tokenizers || this.grammar === null || this.#isFinished) return 0;
    const isWhole = this.#isClosed && this.grammar !== "xml" && this.#source.length <= MAX_WHOLE;
    return isWhole ? this.#renderWhole(tokenizers(this.grammar)) : this.#renderMore(tokenizers, this.grammar, budget);
  }

  /** @param {OnDemand<Tokenizers>} loader */
  async #request(loader) {
    if (loader.value ?? (await loader.load())) this.queue.add(this);
  }

  /**
   * @param {Tokenizers} tokenizers
   * @param {string} grammar
   * @param {number} budget
   */
  #renderMore(tokenizers, grammar, budget) {
    const tokens = (this.#tokens ??= grammar === "xml" ? new EmbeddedCodeTokens(tokenizers) : new CodeTokens(tokenizers(grammar)));
    const before = tokens.work;
    tokens.append(this.#source.slice(this.#given));
    this.#given = this.#source.length;
    if (this.#isClosed) tokens.close();
    this.#paint(tokens.settle(budget), tokens.looks());
    if (tokens.isDone) this.#finish();
    else if (!tokens.isIdle) this.queue.add(this);
    return tokens.work - before;
  }

  /** @param {Tokenizer} tokenize */
  #renderWhole(tokenize) {
    const { length } = this.#source;
    this.#settled = null;
    this.#paint(tokenize(this.#source).tokens, []);
    this.#finish();
    return length;
  }

  #finish() {
    this.#isFinished = true;
    this.#source = "";
    this.#tokens = null;
  }

  /**
   * Give the code that is not settled its look. Nodes that have it already stay, and with them what is selected.
   *
   * @param {Token[]} settled
   * @param {Token[]} looks
   */
  #paint(settled, looks) {
    const tokens = [...settled, ...looks];
    let next = this.#settled ? this.#settled.nextSibling : this.element.firstChild;
    let kept = 0;
    for (; next && next !== this.#plain && kept < tokens.length && hasLook(next, tokens[kept]); kept++) {
      if (kept < settled.length) this.#settled = next;
      next = next.nextSibling;
    }
    while (next && next !== this.#plain) {
      const old = next;
      next = old.nextSibling;
      old.remove();
    }
    const made = tokens.slice(kept).map(makeNode);
    const lastSettled = made[settled.length - kept - 1];
    if (lastSettled) this.#settled = lastSettled;
    const fragment = document.createDocumentFragment();
    for (const node of made) fragment.append(node);
    this.element.insertBefore(fragment, this.#plain);
  }
}

/**
 * @param {ChildNode} node
 * @param {Token} token
 */
function hasLook(node, [kind, text]) {
  const className = node instanceof Element ? node.className : null;
  return className === (kind && `hl-${kind}`) && node.textContent === text;
}

/** @type {(token: Token) => ChildNode} */
function makeNode([kind, text]) {
  if (kind === null) return document.createTextNode(text);
  return createElement("span", { className: `hl-${kind}`, textContent: text });
}
