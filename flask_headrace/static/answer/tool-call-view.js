/**
 * The tools that a model calls, each as a line: its name, and its arguments as they come.
 */

import { appendText } from "./growing-text.js";

/** Calls that came one after the other. */
export class Calls {
  type = "call";

  constructor() {
    this.element = document.createElement("ul");
    this.element.className = "calls";
    this.element.setAttribute("aria-label", "Tool calls");
  }

  /** Show the next call, and return it. */
  begin(name) {
    const call = new Call(name);
    this.element.append(call.element);
    return call;
  }

  /** Something else comes. Each call has an end of its own: some providers tell of it only where the answer ends. */
  end() {}
}

class Call {
  constructor(name) {
    const [item, code, title] = ["li", "code", "b"].map((tag) => document.createElement(tag));
    this.arguments = document.createElement("span");
    title.textContent = name;
    code.append(title, "(", this.arguments);
    item.append("calls ", code);
    Object.assign(this, { element: item, code, isOver: false });
  }

  feed(piece) {
    appendText(this.arguments, piece);
  }

  /** It ends here, `isCut` where there should have been more. */
  end(isCut) {
    if (!this.isOver) this.code.append(isCut ? "…" : ")");
    this.isOver = true;
  }
}
