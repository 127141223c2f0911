/**
 * Emphasis: which runs of `*`, `_` and `~` open it, which close it, and what they make of a list of items.
 *
 * Knows the rules of CommonMark 6.2 and of GFM's strikethrough, with two deviations for what models write (each has a comment
 * below). Does not know where in a block the items stand.
 */

import { MAX_DEPTH, depthOf, isNear, nodeItem, textItem } from "./inline-items.js";

/** @import { Item, Run } from "./inline-items.js" */

const PUNCTUATION = /[\p{P}\p{S}]/u;

/**
 * Return the item of a run of marks: what it may open and close follows from the characters on its sides.
 *
 * @param {string} marks one or more of the same mark
 * @param {string} previous the character before the run; "" at the start of the block
 * @param {string} next the character after the run; "" at the end of the block
 * @param {{at: number, place: number}} where
 * @returns {Run}
 */
export function runOf(marks, previous, next, where) {
  const mark = marks[0];
  const { length } = marks;
  const [isSpaceBefore, isSpaceAfter] = [previous, next].map((side) => !side || /\s/.test(side));
  const [isMarkBefore, isMarkAfter] = [previous, next].map((side) => PUNCTUATION.test(side));
  // Deviation: scripts without blanks put letters where Latin has blanks, so a letter of theirs never forbids.
  const isForeign = (/** @type {string} */ side) => side > "\u2e7f" && !PUNCTUATION.test(side);
  const isLeft = !isSpaceAfter && (!isMarkAfter || isSpaceBefore || isMarkBefore || isForeign(previous));
  const isRight = !isSpaceBefore && (!isMarkBefore || isSpaceAfter || isMarkAfter || isForeign(next));
  const run = { type: /** @type {const} */ ("run"), mark, left: length, length, ...where };
  if (mark === "*") {
    // Deviation: "5*3*2" is a product far more often than it is emphasis.
    const isProduct = length === 1 && /\d/.test(previous) && /\d/.test(next);
    return { ...run, canOpen: isLeft && !isProduct, canClose: isRight };
  }
  // Deviation: "~5" is "about 5".
  if (mark === "~" && (length > 2 || (length === 1 && /\d/.test(next)))) return { ...run, canOpen: false, canClose: false };
  const isOnlyOneSided = mark === "_" || length === 1;
  if (!isOnlyOneSided) return { ...run, canOpen: isLeft, canClose: isRight };
  return { ...run, canOpen: isLeft && (!isRight || isMarkBefore), canClose: isRight && (!isLeft || isMarkAfter) };
}

/**
 * Return items with the emphasis that their runs make. Runs that may open emphasis and did not are left in the list.
 *
 * @param {Item[]} items
 * @returns {Item[]}
 */
export function emphasize(items) {
  /** @type {Item[]} */
  const made = [];
  /** @type {number[]} Where in `made` the runs stand that may still open. */
  const openers = [];
  for (const item of items) {
    if (item.type !== "run") made.push(item);
    else addRun({ ...item }, made, openers);
  }
  return made;
}

/** @type {(run: Run, made: Item[], openers: number[]) => void} */
function addRun(run, made, openers) {
  while (run.canClose && run.left) {
    const found = openerOf(run, made, openers);
    if (found < 0) break;
    closeWith(run, made, openers, found);
  }
  if (!run.left) return;
  if (run.canOpen) openers.push(made.length);
  made.push(run.canOpen ? run : asText(run));
}

/** @type {(run: Run, made: Item[], openers: number[]) => number} Return which of the openers a run pairs with; -1 for none. */
function openerOf(run, made, openers) {
  for (let found = openers.length - 1; found >= 0; found--) {
    const opener = /** @type {Run} */ (made[openers[found]]);
    if (!isNear(opener, run)) {
      openers.splice(0, found + 1);
      return -1;
    }
    if (mayPair(opener, run)) return depthOf(made.slice(openers[found] + 1)) < MAX_DEPTH ? found : -1;
  }
  return -1;
}

/** @type {(opener: Run, run: Run) => boolean} */
function mayPair(opener, run) {
  if (opener.mark !== run.mark) return false;
  if (run.mark === "~") return opener.left === run.left;
  const isEitherBoth = opener.canClose || run.canOpen;
  const isAllThrees = opener.length % 3 === 0 && run.length % 3 === 0;
  return !isEitherBoth || (opener.length + run.length) % 3 !== 0 || isAllThrees;
}

/** @type {(run: Run, made: Item[], openers: number[], found: number) => void} */
function closeWith(run, made, openers, found) {
  const opener = /** @type {Run} */ (made[openers[found]]);
  const children = made.splice(openers[found] + 1).map(asText);
  const width = run.mark === "~" ? run.left : Math.min(run.left, opener.left, 2);
  const kind = run.mark === "~" ? "strike" : width === 2 ? "strong" : "emphasis";
  openers.length = found + 1;
  opener.left -= width;
  run.left -= width;
  run.at += width;
  const node = nodeItem(kind, children, opener.at + opener.left, { closer: run.place });
  if (!opener.left) {
    made.pop();
    openers.pop();
  }
  made.push(node);
}

/**
 * Return a run as text, and any other item as it is.
 *
 * @param {Item} item
 * @returns {Exclude<Item, Run>}
 */
export function asText(item) {
  return item.type === "run" ? textItem(item.mark.repeat(item.left), item.at) : item;
}
