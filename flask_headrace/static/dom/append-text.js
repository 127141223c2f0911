/**
 * Adding text to the end of an element that grows.
 */

/** Most characters of one text node. A browser copies a text node when it grows, so a long text takes several nodes. */
const MAX_TEXT_NODE_LENGTH = 2048;

/**
 * Add `text` to the end of `element`.
 *
 * @param {Element} element
 * @param {string} text
 */
export function appendText(element, text) {
  const last = element.lastChild;
  if (isText(last) && last.length < MAX_TEXT_NODE_LENGTH) last.appendData(text);
  else element.append(text);
}

/**
 * @param {Node | null} node
 * @returns {node is Text}
 */
function isText(node) {
  return node?.nodeType === 3;
}
