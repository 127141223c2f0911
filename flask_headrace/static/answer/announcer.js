/**
 * Reads an answer out, for screen readers: whole sentences, in order; of code only its name.
 *
 * Takes the same operations as the page does. Knows one live region, and nothing of the page's looks.
 */

/** @import { NodeAttributes, NodeKind } from "../markdown/operations.js" */

/** Sentences are read out before their block ends once they have so many characters. */
const MIN_SENTENCE_CHARACTERS = 60;
/** Text without the end of a sentence is read out once it has more characters than this. */
const MAX_HELD_CHARACTERS = 400;
/** Most paragraphs in the region: what was read out long ago must not be found there again. */
const MAX_PARAGRAPHS = 6;
const SENTENCE_ENDS = [". ", "! ", "? ", "。", "！", "？"];
/** @type {Set<NodeKind>} */
const SPOKEN_BLOCKS = new Set(["paragraph", "heading", "item", "row", "fence"]);

/** Implements the MarkdownSink of operations.js. */
export class Announcer {
  /** Whether nothing is read out, because the text is on the page already. */
  isMuted = false;
  /** @type {NodeKind[]} The kinds of the open nodes, outermost first. */
  #kinds = [];
  /** The text that is not read out yet. */
  #held = "";

  /** @param {Element} region the live region */
  constructor(region) {
    this.region = region;
  }

  /** Drop the text that is not read out yet, because another answer begins. */
  reset() {
    this.#kinds = [];
    this.#held = "";
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
    this.#kinds.push(kind);
    if (kind !== "fence") return;
    const language = "language" in attributes ? attributes.language : "";
    this.say(`${this.#takeHeld()} ${language || ""} code block.`);
  }

  /** @param {string} text more text of the innermost node */
  text(text) {
    // What comes again, because a reference in it can be resolved, was read out.
    if (this.#kinds.includes("fence") || this.#kinds.includes("again")) return;
    this.#held += text;
    const end = Math.max(...SENTENCE_ENDS.map((mark) => this.#held.lastIndexOf(mark)));
    if (end >= MIN_SENTENCE_CHARACTERS) this.say(this.#takeHeld(end + 1));
    else if (this.#held.length > MAX_HELD_CHARACTERS) this.say(this.#takeHeld());
  }

  /** End the innermost node. At the end of a block, its text is read out. */
  close() {
    const kind = this.#kinds.pop();
    if (kind === "cell") this.#held += ", ";
    else if (kind && SPOKEN_BLOCKS.has(kind)) this.say(this.#takeHeld());
  }

  /** Alignments and addresses are not read out. */
  set() {}

  /** Dissolve the innermost node; its text stays. */
  unwrap() {
    this.#kinds.pop();
  }

  /** Remove the innermost node: its text comes again. */
  drop() {
    this.#kinds.pop();
    this.#held = "";
  }

  #takeHeld(length = this.#held.length) {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}
