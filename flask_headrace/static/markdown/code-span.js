/**
 * Code in text, between runs of backticks of the same length.
 */

import { nodeItem, textItem } from "./inline-items.js";

/** Where the runs of backticks of one text stand. The text is searched once. */
export class Ticks {
  /** @type {Map<number, number[]> | null} For each length, where runs of so many backticks stand, the last one first. */
  #places = null;

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  /**
   * Return where the next run of a length stands; -1 for nowhere.
   *
   * @param {number} length
   * @param {number} from an index that is never less than that of the call before
   */
  next(length, from) {
    this.#places ??= this.#find();
    const places = this.#places.get(length) ?? [];
    while (places.length && places[places.length - 1] < from) places.pop();
    return places.at(-1) ?? -1;
  }

  #find() {
    /** @type {Map<number, number[]>} */
    const found = new Map();
    for (const { 0: run, index } of [...this.text.matchAll(/`+/g)].reverse()) {
      const places = found.get(run.length);
      if (places) places.push(index);
      else found.set(run.length, [index]);
    }
    return found;
  }
}

/**
 * Return the node of a code span. One blank inside each end is padding.
 *
 * @param {string} written what stands between the marks
 * @param {number} at
 * @param {boolean} isOpen whether its end is still to come
 */
export function codeItem(written, at, isOpen) {
  const code = written.replaceAll("\n", " ");
  const isPadded = code.startsWith(" ") && (isOpen || code.endsWith(" ")) && code.trim() !== "";
  const shown = isPadded ? code.replace(/^ /, "").replace(/ $/, "") : code;
  return nodeItem("code", shown ? [textItem(shown, at)] : [], at, { isOpen });
}
