/**
 * Shows what the application sets about the page: its title, picture, greeting and examples, and which features it has.
 *
 * Elements with the attribute `data-feature`, such as `data-feature="settings"`, are hidden where the application does
 * not want that feature.
 */

import { createElement } from "../dom/elements.js";
import { readPageOptions } from "./page-options.js";

/**
 * Change the document as the application wants it. Called once the page's own words are in place.
 *
 * @param {Document} root the document
 */
export function showPageOptions(root) {
  const options = readPageOptions(root.body);
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-feature]"))) {
    const feature = /** @type {keyof typeof options.features} */ (element.dataset.feature);
    if (options.features[feature] === false) element.hidden = true;
  }
  if (options.logo) {
    root.querySelector(".brand .wheel")?.replaceWith(createElement("img", { className: "logo", src: options.logo, alt: "" }));
  }
  showText(root, "#empty h2", options.greeting);
  showText(root, "#empty h2 + p", options.introduction);
  if (options.examples) root.querySelector("#suggestions")?.replaceChildren(...options.examples.map(exampleButton));
}

/** @type {(root: ParentNode, selector: string, text: string | null) => void} */
function showText(root, selector, text) {
  const element = root.querySelector(selector);
  if (element && text !== null) element.textContent = text;
}

/** @type {(question: string) => HTMLButtonElement} */
function exampleButton(question) {
  const button = createElement("button", { type: "button", textContent: question, dir: "auto" });
  button.dataset.ask = question;
  return button;
}
