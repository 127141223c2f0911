/**
 * What the references of an answer lead to, and which blocks have references whose definitions have not come.
 *
 * Knows labels and the texts of blocks, and which addresses may be followed. Does not read Markdown.
 */

import { safeHref } from "./link.js";

/** A block is read again for so many definitions as they come; then once more, at the end of the answer. */
const MAX_READINGS = 16;

/**
 * A block that was closed, and can be read again. `labels` are those that have no definition.
 *
 * @typedef {{id: number, text: string, labels: Set<string>, isExpecting: boolean, readings: number}} KeptBlock
 */

/** The definitions and the open references of one answer. */
export class References {
  /** @type {Map<string, {href: string, title: string}>} */
  #targets = new Map();
  /** @type {Map<string, Set<KeptBlock>>} For each label without a definition, the blocks that have it. */
  #waiting = new Map();
  /** @type {Set<KeptBlock>} The blocks that must be read again at the end. */
  #late = new Set();
  /** @type {Set<string>} The labels that were looked for in the current block, and have no definition. */
  #missing = new Set();
  #isExpecting = false;
  #isComplete = false;
  #lastId = 0;

  /** @param {(address: string) => string | null} [policy] returns the address of a link that may be followed; null for no link */
  constructor(policy = safeHref) {
    this.safeHref = policy;
  }

  /** Whether a block has a reference whose definition has not come. */
  get isAwaiting() {
    return this.#waiting.size > 0;
  }

  /**
   * Return where a label leads; undefined where no definition has come.
   *
   * @param {string} label
   */
  find(label) {
    const found = this.#targets.get(label);
    if (!found) this.#missing.add(label);
    return found;
  }

  /**
   * Return whether a reference is to be shown as a link although its definition has not come.
   *
   * @param {string} label
   */
  mayExpect(label) {
    this.#isExpecting ||= !this.#isComplete;
    return !this.#isComplete && !this.#targets.has(label);
  }

  /**
   * Define a label, and return the blocks that can be read again now. Of several definitions, the first one counts.
   *
   * @param {string} label
   * @param {{href: string, title: string}} target
   * @returns {KeptBlock[]}
   */
  define(label, target) {
    if (this.#targets.has(label)) return [];
    this.#targets.set(label, target);
    const blocks = [...(this.#waiting.get(label) ?? [])];
    this.#waiting.delete(label);
    return blocks.filter((block) => {
      if (block.readings++ < MAX_READINGS) return true;
      this.#late.add(block);
      return false;
    });
  }

  /** Forget what was looked for: another block begins to be read whole. */
  startBlock() {
    this.#missing = new Set();
    this.#isExpecting = false;
  }

  /**
   * Keep a block that has references without definitions.
   *
   * @param {string} text
   * @param {Set<string>} labels
   * @param {boolean} isExpecting whether such a reference is shown as a link
   * @returns {number} the number by which the block is known
   */
  keep(text, labels, isExpecting) {
    const block = { id: ++this.#lastId, text, labels, isExpecting, readings: 0 };
    this.#wait(block);
    return block.id;
  }

  /**
   * Note what a block still waits for, after it was read again.
   *
   * @type {(block: KeptBlock, labels: Set<string>, isExpecting: boolean) => void}
   */
  update(block, labels, isExpecting) {
    Object.assign(block, { labels, isExpecting });
    this.#late.delete(block);
    this.#wait(block);
  }

  /** Return what was looked for and not found since the block began, and whether it is shown as links. */
  takeMissing() {
    const found = { labels: this.#missing, isExpecting: this.#isExpecting };
    this.startBlock();
    return found;
  }

  /** End the answer: what has no definition now is text. Returns the blocks that must be read again. */
  complete() {
    this.#isComplete = true;
    return [...this.#late];
  }

  /** @param {KeptBlock} block */
  #wait(block) {
    if (block.isExpecting) this.#late.add(block);
    for (const label of block.labels) {
      const blocks = this.#waiting.get(label);
      if (blocks) blocks.add(block);
      else this.#waiting.set(label, new Set([block]));
    }
  }
}
