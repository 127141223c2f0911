/**
 * Reads an answer out, for screen readers: whole sentences, in order; of code only its name.
 *
 * Takes the same operations as the page does. What is read out is the text that the blocks have in the end, each character
 * once: the text of an open emphasis, link or table head is held back, because it may still become other text. Only where
 * so much of it is held that a listener would wait for too long, it is read out before; then a mark that turns out to be
 * text is not, and what comes again in another kind of block is left out.
 *
 * Knows one live region, and nothing of the page's looks.
 */

import { Repetition } from "./repetition.js";

/** @import { NodeAttributes, NodeKind } from "../markdown/operations.js" */

/** Sentences are read out before their block ends once they have so many characters. */
const MIN_SENTENCE_CHARACTERS = 60;
/** Text is read out once so many characters are held back, with or without the end of a sentence. */
const MAX_HELD_CHARACTERS = 400;
/** A longer formula is not read out sign by sign. */
const MAX_FORMULA_CHARACTERS = 80;
/** Most paragraphs in the region: what was read out long ago must not be found there again. */
const MAX_PARAGRAPHS = 6;
/** The end of a sentence, and of the blank after it. */
const SENTENCE_END = /[.!?…]["'”’»)\]]*\s|[。！？]["'”’»）」』]*/g;
/** The nodes that stand in the text of a block. @type {Set<string>} */
const INLINE_KINDS = new Set(["emphasis", "strong", "strike", "code", "link", "break", "math", "sub", "sup", "kbd", "cell"]);

const CELL_SEPARATOR = ", ";

const WORDS = {
  /** @param {string} language "" where none is named */
  codeBlock: (language) => `${language} code block.`,
  formula: "formula",
};

/** An open node, and the length of the block's text where it began. @typedef {{kind: string, start: number}} OpenNode */

/** Implements the MarkdownSink of operations.js. */
export class Announcer {
  /** Whether nothing is read out, because the text is on the page already. */
  isMuted = false;
  /** @type {OpenNode[]} The open nodes, outermost first. */
  #nodes = [];
  /** The open block's text: what is read out of it, and what is not yet. */
  #said = "";
  #held = "";
  /** Whether the open table has only a head so far, which may turn out to be none. */
  #isTableUncertain = false;
  /** What was read out of a block that is void: it comes again. */
  #repetition = new Repetition("");

  /** @param {Element} region the live region */
  constructor(region) {
    this.region = region;
  }

  /** Drop the text that is not read out yet, because another answer begins. */
  reset() {
    this.#nodes = [];
    this.#isTableUncertain = false;
    this.#forget();
  }

  /**
   * Read a text out now.
   *
   * @param {string} text
   */
  say(text) {
    const words = text.replace(/\s+/g, " ").trim();
    if (!words || this.isMuted) return;
    const line = document.createElement("p");
    line.textContent = words;
    this.region.append(line);
    while (this.region.childElementCount > MAX_PARAGRAPHS) this.region.firstElementChild?.remove();
  }

  /**
   * Begin a node of the answer.
   *
   * @template {NodeKind} Kind
   * @param {Kind} kind
   * @param {NodeAttributes[Kind]} attributes
   */
  open(kind, attributes) {
    if (kind === "break") this.#held += " ";
    else if (!INLINE_KINDS.has(kind)) this.#endBlock();
    if (kind === "table") this.#isTableUncertain = true;
    this.#nodes.push({ kind, start: this.#said.length + this.#held.length });
    if (kind === "cell" && (this.#held || this.#said)) this.#held += CELL_SEPARATOR;
    if (kind === "fence") this.say(WORDS.codeBlock(("language" in attributes && attributes.language) || ""));
  }

  /** @param {string} text more text of the innermost node */
  text(text) {
    // What comes again, because a reference in it can be resolved, was read out.
    if (this.#nodes.some(({ kind }) => kind === "fence" || kind === "again")) return;
    this.#held += text;
    this.#saySentences();
  }

  /** End the innermost node. At the end of a block, its text is read out. */
  close() {
    const node = this.#nodes.pop();
    if (!node || node.kind === "fence") return;
    if (node.kind === "math") this.#shortenFormula(node.start);
    if (node.kind === "cell") this.#removeEmptyCell(node.start);
    if (!INLINE_KINDS.has(node.kind)) {
      if (node.kind === "table") this.#isTableUncertain = false;
      if (!this.#isTableUncertain) this.#endBlock();
    }
  }

  /** @param {object} attributes of these, only the alignments matter: they show that the open table is one */
  set(attributes) {
    if (!("aligns" in attributes)) return;
    this.#isTableUncertain = false;
    this.#endBlock();
  }

  /**
   * Dissolve the innermost node; its text stays.
   *
   * @param {string} literal the text in front of the node's text from here on
   */
  unwrap(literal) {
    const { start = 0 } = this.#nodes.pop() ?? {};
    const place = start - this.#said.length;
    if (place < 0) this.#said = insert(this.#said, start, literal);
    else this.#held = insert(this.#held, place, literal);
  }

  /** Remove the innermost node: its text comes again. */
  drop() {
    const { kind, start = 0 } = this.#nodes.pop() ?? {};
    if (kind === "table") this.#isTableUncertain = false;
    const again = this.#said.slice(start) + this.#repetition.rest;
    this.#repetition = new Repetition(again);
    this.#held = this.#held.slice(0, Math.max(0, start - this.#said.length));
    this.#said = this.#said.slice(0, start);
  }

  /** @param {number} start where the cell, with the separator in front of it, begins in the block's text */
  #removeEmptyCell(start) {
    const place = start - this.#said.length;
    const isEmpty = place >= 0 && !this.#held.slice(place).replace(CELL_SEPARATOR, "").trim();
    if (isEmpty) this.#held = this.#held.slice(0, place);
  }

  /** @param {number} start where the formula begins in the block's text */
  #shortenFormula(start) {
    const place = start - this.#said.length;
    if (place >= 0 && this.#held.length - place > MAX_FORMULA_CHARACTERS) this.#held = this.#held.slice(0, place) + WORDS.formula;
  }

  /** Read out the whole sentences; all text if too much of it is held back. */
  #saySentences() {
    this.#skipRepetition();
    if (this.#held.length < MIN_SENTENCE_CHARACTERS) return;
    const end = this.#isTableUncertain ? 0 : lastSentenceEnd(this.#held.slice(0, this.#lengthBefore(isInline)));
    if (end >= MIN_SENTENCE_CHARACTERS) this.#take(end);
    if (this.#held.length <= MAX_HELD_CHARACTERS) return;
    // A cut inside of a word would be heard.
    const certain = this.#held.slice(0, this.#lengthBefore(isMath));
    this.#take(certain.search(/\s\S*$/) + 1 || certain.length - (/[\ud800-\udbff]$/.test(certain) ? 1 : 0));
  }

  /** @type {(kind: (node: OpenNode) => boolean) => number} Return how much of the held text stands before the first open node of a kind. */
  #lengthBefore(kind) {
    const node = this.#nodes.find(kind);
    return node ? Math.max(0, node.start - this.#said.length) : this.#held.length;
  }

  /** Leave out what was read out before, in a block that is void. */
  #skipRepetition() {
    const length = this.#repetition.skip(this.#held);
    this.#said += this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
  }

  /** @param {number} length how much of the held text is read out */
  #take(length) {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    this.#said += text;
    this.say(text);
  }

  /** Read out the rest of a block. */
  #endBlock() {
    this.#skipRepetition();
    const isEmpty = !this.#held && !this.#said;
    this.#take(this.#held.length);
    if (!isEmpty) this.#forget();
  }

  #forget() {
    this.#said = "";
    this.#held = "";
    this.#repetition = new Repetition("");
    for (const node of this.#nodes) node.start = 0;
  }
}

/** @type {(text: string, index: number, more: string) => string} */
function insert(text, index, more) {
  return text.slice(0, index) + more + text.slice(index);
}

/** @param {OpenNode} node */
function isInline({ kind }) {
  return INLINE_KINDS.has(kind) && kind !== "cell";
}

/** @param {OpenNode} node */
function isMath({ kind }) {
  return kind === "math";
}

/** @param {string} text */
function lastSentenceEnd(text) {
  let end = 0;
  for (const { 0: mark, index } of text.matchAll(SENTENCE_END)) end = index + mark.length;
  return end;
}
