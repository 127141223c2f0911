/**
 * The direction of each block of an answer: that of its own first words.
 *
 * A browser finds it for an element with dir="auto", but does not look into elements inside of it that have a `dir` of their
 * own. So the first block of a list, of an item or of a quotation has none: it decides for what is around it, such as the
 * side of an item's mark, and inherits. The head of a table decides for the table in the same way.
 */

/** The nodes that have a direction of their own: blocks of text, and what holds them. @type {Set<string>} */
const BLOCK_KINDS = new Set(["paragraph", "heading", "list", "item", "quote", "table", "details", "summary"]);
/** The blocks that take the direction of their first block. */
const HOLDERS = new Set(["list", "item", "quote", "details"]);

/**
 * Give an element its direction, if it is not the one of the element around it.
 *
 * @param {HTMLElement} element not on the page yet
 * @param {string} kind the kind of its node
 * @param {{kind: string, inner: Element}} parent the node around it
 */
export function setDirection(element, kind, parent) {
  // Code runs from left to right, and what stands around it does not change that.
  if (kind === "code") element.dir = "ltr";
  else if (kind === "cell") element.dir = element.tagName === "TD" ? "auto" : "";
  else if (BLOCK_KINDS.has(kind) && !(HOLDERS.has(parent.kind) && isFirst(parent.inner))) element.dir = "auto";
}

/** @param {Element} holder whether its next block is the first one */
function isFirst({ lastElementChild }) {
  return lastElementChild === null || lastElementChild.tagName === "INPUT";
}
