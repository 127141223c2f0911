/**
 * The operations of the streaming Markdown, applied to a page.
 *
 * Knows which element stands for what. Makes every one with createElement and fills it with text nodes, so nothing that a
 * model writes is ever read as HTML. Only the last child of each open node is touched. Each block runs in the direction of
 * its own first words; code runs from left to right.
 */

import { appendText } from "./growing-text.js";

const ELEMENTS = {
  paragraph: "p", quote: "blockquote", item: "li", row: "tr", rule: "hr", break: "br",
  emphasis: "em", strong: "strong", strike: "del", code: "code", link: "a",
};

export class Renderer {
  /** Render into `root`, from its end on. */
  constructor(root) {
    // Each open node: the outermost element made for it, and the one that takes its content.
    this.open_ = [{ kind: "root", outer: root, inner: root }];
    this.pending = "";
  }

  open(kind, attributes) {
    this.flush();
    const node = { kind, ...MAKERS[kind]?.(attributes, this.#top) };
    node.outer ??= element(ELEMENTS[kind]);
    node.inner ??= node.outer;
    if (this.#top.kind === "root") node.outer.dir ||= "auto";
    (node.parent ?? this.#top.inner).append(node.outer);
    this.open_.push(node);
  }

  /** Text is gathered until the next operation, or until `flush`. */
  text(text) {
    this.pending += text;
  }

  set(attributes) {
    this.flush();
    const { kind, outer, inner } = this.#top;
    if (kind === "link") point(inner, attributes);
    if (kind === "table") align(outer, attributes.aligns);
  }

  close() {
    this.flush();
    this.open_.pop();
  }

  unwrap(literal) {
    this.flush();
    const { outer } = this.open_.pop();
    outer.replaceWith(literal, ...outer.childNodes);
  }

  drop() {
    this.pending = "";
    this.open_.pop().outer.remove();
  }

  /** Put the gathered text on the page. */
  flush() {
    if (!this.pending) return;
    appendText(this.#top.inner, this.pending);
    this.pending = "";
  }

  get #top() {
    return this.open_.at(-1);
  }
}

const MAKERS = {
  heading: ({ level }) => ({ outer: element(`h${level}`) }),

  list({ ordered, start }) {
    const outer = element(ordered ? "ol" : "ul");
    if (ordered && start !== 1) outer.start = start;
    return { outer };
  },

  item({ task }) {
    const outer = element("li");
    if (task !== null) {
      const box = element("input", { type: "checkbox", disabled: true, checked: task });
      box.setAttribute("aria-label", task ? "Done" : "To do");
      outer.className = "task";
      outer.append(box);
    }
    return { outer };
  },

  fence({ language }) {
    const outer = element("figure", { className: "code", dir: "ltr" });
    const bar = element("figcaption");
    const copy = element("button", { type: "button", className: "copy", textContent: "Copy" });
    copy.setAttribute("aria-label", language ? `Copy this ${language} code` : "Copy this code");
    bar.append(element("span", { textContent: language || "text" }), copy);
    const lines = element("pre", { tabIndex: 0, role: "group" });
    lines.setAttribute("aria-label", language ? `${language} code` : "Code");
    const inner = element("code");
    lines.append(inner);
    outer.append(bar, lines);
    return { outer, inner };
  },

  table() {
    const outer = element("div", { className: "table", tabIndex: 0 });
    outer.setAttribute("role", "region");
    outer.setAttribute("aria-label", "Table");
    const inner = element("table");
    outer.append(inner);
    return { outer, inner };
  },

  row({ head }, { inner: table }) {
    return { parent: head ? table.createTHead() : (table.tBodies[0] ?? table.createTBody()) };
  },

  cell({ head, align }) {
    const outer = element(head ? "th" : "td", head ? { scope: "col" } : {});
    if (align !== "start") outer.className = align;
    return { outer };
  },
};

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

function point(link, { href, title }) {
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer nofollow" });
  if (title) link.title = title;
}

function align(table, aligns) {
  for (const [column, cell] of [...table.querySelectorAll("th")].entries()) {
    if (aligns[column] && aligns[column] !== "start") cell.className = aligns[column];
  }
}
