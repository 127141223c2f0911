/**
 * What became of a tool call, on the page: its result, folded behind a summary, or why it failed. Everything is text.
 */

import { createElement } from "../dom/elements.js";
import { indentJSON, showInvisible } from "../json/json-text.js";
import { pageRegions } from "./region-names.js";

/** Characters of a result that are shown at first. */
const MAX_CHARACTERS = 2000;

/**
 * Return a folded result.
 *
 * @param {string} name the tool's name
 * @param {string} result the JSON text of the result
 */
export function createResult(name, result) {
  const element = createElement("details", { className: "result" });
  const isText = result.startsWith('"');
  const text = isText ? JSON.parse(result) : showInvisible(indentJSON(result));
  const shown = createTextBlock(text.slice(0, MAX_CHARACTERS), `Result of ${name}`, isText ? "auto" : "ltr");
  element.append(createElement("summary", { textContent: "Result" }), shown);
  if (text.length > MAX_CHARACTERS) element.append(createShowAll(name, text, shown));
  return element;
}

/**
 * Return the reason why a call failed, or why its tool did not run.
 *
 * @param {string} error
 */
export function createFault(error) {
  return createElement("p", { className: "fault", dir: "auto", textContent: error });
}

/**
 * Return a block of text that can be scrolled, also with the keys.
 *
 * @param {string} text
 * @param {string} label the block's name for screen readers; a number is added if another block has it
 * @param {"ltr" | "auto"} dir the direction: from left to right for JSON
 */
export function createTextBlock(text, label, dir) {
  const block = createElement("pre", { tabIndex: 0, role: "group", dir, textContent: text });
  block.setAttribute("aria-label", pageRegions.unique(label, block));
  return block;
}

/** @type {(name: string, text: string, shown: HTMLElement) => HTMLElement} Return the button that shows all of a text in place of its beginning. */
function createShowAll(name, text, shown) {
  const count = new Intl.NumberFormat("en").format(text.length);
  const button = createElement("button", { type: "button", className: "quiet", textContent: `Show all ${count} characters` });
  button.setAttribute("aria-label", `Show all ${count} characters of the result of ${name}`);
  shown.append("…");
  button.addEventListener("click", () => {
    shown.textContent = text;
    button.remove();
    shown.focus({ preventScroll: true });
  });
  return button;
}
