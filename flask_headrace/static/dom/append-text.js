/**
 * Text at the end of an element that grows.
 */

/** Characters of one text node. The browser copies a text node when it grows, so a long one is continued in a new one. */
const TEXT_NODE = 2048;

/** Put `text` at the end of `element`. */
export function appendText(element, text) {
  const last = element.lastChild;
  if (last?.nodeType === 3 && last.length < TEXT_NODE) last.appendData(text);
  else element.append(text);
}
