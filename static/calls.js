/**
 * The tools that a model calls, each as a line: its name, and its arguments as they come.
 */

import { appendText } from "./growing-text.js";

export class Calls {
  /** Write into the list `element`, which is emptied. */
  constructor(element) {
    element.replaceChildren();
    element.hidden = true;
    this.element = element;
    this.lines = new Map();
  }

  /** Take a call's `name`, or the next piece of its arguments. */
  take({ call, name, delta }) {
    if (name) this.lines.set(call, this.#line(name));
    if (delta && this.lines.has(call)) appendText(this.lines.get(call), delta);
  }

  #line(name) {
    const item = document.createElement("li");
    const [code, ...parts] = ["code", "b", "span"].map((tag) => document.createElement(tag));
    parts[0].textContent = name;
    code.append(parts[0], "(", parts[1], ")");
    item.append("calls ", code);
    this.element.append(item);
    this.element.hidden = false;
    return parts[1];
  }
}
