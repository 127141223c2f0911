/**
 * What the text of a block is read into: pieces of text, nodes, and runs of marks that may yet become emphasis.
 */

/** @import { NodeAttributes, NodeKind } from "./operations.js" */

/**
 * `at` is the index in the block's text where an item begins. `isExact` is whether blanks at the end of a text stay.
 *
 * @typedef {{type: "text", text: string, at: number, isExact?: boolean}} Text
 *
 * `late` is what a node has beyond its attributes; `literal` is what it began with, for a node that is shown before it is
 * known to be one; `isBare` is whether it is an address that stands in the text.
 * @typedef {object} TreeNode
 * @property {"node"} type
 * @property {NodeKind} kind
 * @property {NodeAttributes[NodeKind]} attributes
 * @property {Item[]} children
 * @property {number} at
 * @property {number} depth how many nodes stand in each other, this one included
 * @property {{href: string, title: string}} [late]
 * @property {string} [literal]
 * @property {boolean} [isOpen] whether more of its content may come
 * @property {boolean} [isBare]
 * @property {number} [closer] the `place` of the run of marks that closed it
 *
 * `left` marks of `length` have closed or opened nothing yet; `place` is how many marks stand before it in the block.
 * @typedef {{type: "run", mark: string, left: number, length: number, canOpen: boolean, canClose: boolean, at: number, place: number}} Run
 *
 * @typedef {Text | TreeNode | Run} Item
 */

/** Most nodes inside each other: browsers lay out deep trees slowly, or not at all. */
export const MAX_DEPTH = 10;

/** Most characters from the opening to the closing marks of a node: what is further away is read only once. */
export const MAX_REACH = 1000;

/** Most marks between the opening and the closing marks of a node, for the same reason. */
export const MAX_PLACES = 100;

/**
 * Return whether a closing mark is near enough to an opening one.
 *
 * @param {{at: number, place: number}} opening
 * @param {{at: number, place: number}} closing
 */
export function isNear(opening, closing) {
  return closing.at - opening.at <= MAX_REACH && closing.place - opening.place <= MAX_PLACES;
}

/** @type {(items: Item[]) => number} Return how many nodes stand in each other. */
export function depthOf(items) {
  return items.reduce((most, item) => (item.type === "node" ? Math.max(most, item.depth) : most), 0);
}

/** @type {(text: string, at: number) => Text} */
export function textItem(text, at) {
  return { type: "text", text, at };
}

/**
 * Return a node.
 *
 * @param {NodeKind} kind
 * @param {Item[]} children
 * @param {number} at
 * @param {Partial<TreeNode>} [more]
 * @returns {TreeNode}
 */
export function nodeItem(kind, children, at, more = {}) {
  return { type: "node", kind, attributes: {}, children, at, depth: depthOf(children) + 1, ...more };
}
