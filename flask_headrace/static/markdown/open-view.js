/**
 * How the open end of a block is shown: as if each mark that may still be closed will be.
 */

import { emphasize } from "./emphasis.js";
import { isNear, nodeItem, textItem } from "./inline-items.js";

/** @import { Frame } from "./brackets.js" */
/** @import { Item, Run } from "./inline-items.js" */

/** Most nodes that are shown open inside each other. */
const MAX_OPEN = 8;

/** What stands after a bracket that is hardly a link: an interval such as "[0, 1)", or a blank. */
const UNLIKELY = /^(?:\s|[-+]?\d+(?:\.\d+)?\s*[,;])/;
/** A citation such as "[12" is shown when it is complete: it may be a link or not. */
const HELD = /^!?\[\^?[-+]?\d{0,4}\.?(?:\](?:\[\^?\d{0,4}\]?)?)?$/;

/** @typedef {{text: string, characterBefore: (at: number) => string}} Source */

/** Shows the end of one text. */
export class OpenView {
  /**
   * @param {Source} source
   * @param {{at: number, place: number}} here the end of the text
   */
  constructor(source, here) {
    this.source = source;
    this.here = here;
  }

  /**
   * Return what is shown.
   *
   * @param {Frame[]} frames each holds the items after an opening mark; the first one those of the text itself
   * @param {number} [depth] how many open nodes there are around them
   * @param {boolean} [isInLink] whether one of them is a link
   * @returns {Item[]}
   */
  show([{ items }, ...inner], depth = 0, isInLink = false) {
    /** @type {Item[]} */
    const shown = [];
    let target = shown;
    const open = (/** @type {Item & {type: "node"}} */ node) => {
      target.push(node);
      target = node.children;
      depth++;
    };
    for (const item of emphasize(items)) {
      if (item.type !== "run") target.push(item);
      else if (depth + 2 > MAX_OPEN || item.left > 3 || isTilde(item) || !isNear(item, this.here)) target.push(item);
      else for (const node of nodesOf(item)) open(node);
    }
    if (!inner.length) return shown;
    const [frame] = inner;
    if (this.#isHeld(frame, inner.length)) return shown;
    const isLink = frame.tag === null;
    const isNested = isLink && isInLink && frame.mark !== "![";
    const isShown = depth < MAX_OPEN && !isNested && this.#isLikely(frame);
    if (isShown) {
      open(nodeItem(frame.tag ?? "link", [], frame.at, { isOpen: true, literal: frame.mark }));
    } else {
      target.push(textItem(frame.mark, frame.at));
    }
    target.push(...this.show(inner, depth, isInLink || (isShown && isLink)));
    return shown;
  }

  /** @type {(frame: Frame, count: number) => boolean} */
  #isHeld({ tag, at }, count) {
    return count === 1 && !tag && HELD.test(this.source.text.slice(at, at + 16));
  }

  /** @param {Frame} frame */
  #isLikely({ tag, isActive, closedAt, at, mark }) {
    if (tag || (closedAt >= 0 && this.source.text[closedAt + 1] === "(")) return true;
    const isGlued = /[A-Za-z0-9_\])]/.test(this.source.characterBefore(at));
    return isActive && !isGlued && !UNLIKELY.test(this.source.text.slice(at + mark.length, at + mark.length + 20));
  }
}

/**
 * Return the nodes that a run opens, outermost first.
 *
 * @param {Run} run
 */
function nodesOf({ mark, left, at }) {
  const node = (/** @type {"emphasis" | "strong" | "strike"} */ kind, /** @type {string} */ literal) =>
    nodeItem(kind, [], at, { isOpen: true, literal });
  if (mark === "~") return [node("strike", mark.repeat(left))];
  const nodes = left === 2 ? [] : [node("emphasis", mark)];
  if (left > 1) nodes.push(node("strong", mark + mark));
  return nodes;
}

/** @type {(run: Run) => boolean} Return whether a run is one tilde, which opens a strike hardly ever. */
function isTilde({ mark, left }) {
  return mark === "~" && left === 1;
}
