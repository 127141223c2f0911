/**
 * Copying a selection that has formulas: as text, each is its source, as the model wrote it. As HTML, they stay formulas.
 */

import { createElement } from "../dom/elements.js";

let isListening = false;

/**
 * Return an element with what is copied in place of the formula that stands beside it. It is never shown.
 *
 * @param {string} source
 */
export function copiedSource(source) {
  if (!isListening) document.addEventListener("copy", copySources);
  isListening = true;
  return createElement("code", { className: "tex", hidden: true, textContent: source });
}

/** @param {ClipboardEvent} event */
function copySources(event) {
  const selection = document.getSelection();
  if (event.defaultPrevented || !event.clipboardData || !selection?.rangeCount) return;
  const range = selection.getRangeAt(0);
  const root = range.commonAncestorContainer;
  // A part of one formula is copied as the browser does.
  if (!(root instanceof Element) || root.closest(".math") || !root.querySelector(".tex")) return;
  const copied = createElement("div");
  copied.append(range.cloneContents());
  if (!copied.querySelector(".tex")) return;
  for (const source of copied.querySelectorAll(".tex")) source.remove();
  event.clipboardData.setData("text/html", copied.innerHTML);
  event.clipboardData.setData("text/plain", shownAsSource(selection));
  event.preventDefault();
}

/**
 * Return the text of a selection with its line breaks, which depend on what the style sheets show.
 *
 * @param {Selection} selection
 */
function shownAsSource(selection) {
  const { dataset } = document.documentElement;
  dataset.copying = "";
  try {
    return selection.toString();
  } finally {
    delete dataset.copying;
  }
}
