/**
 * Applies the operations of streaming Markdown to the page.
 *
 * Knows which element stands for which node. Makes every element with createElement and fills it with text nodes, so nothing
 * that a model writes is ever parsed as HTML. Only the last child of each open node changes. Each block runs in the direction
 * of its own first words (text-direction.js); code runs from left to right.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";
import { CodeView } from "./code-view.js";
import { MathView } from "./math-view.js";
import { addTableHead, nameCode, nameTable } from "./region-names.js";
import { setDirection } from "./text-direction.js";

/** @import { Alignment, LateAttributes, NodeAttributes, NodeKind } from "../markdown/operations.js" */

/**
 * An open node: the outermost element made for it, and the element that takes its content. `isAgain` is whether it was closed
 * before, and its content comes again.
 *
 * @typedef {{kind: NodeKind | "root", outer: HTMLElement, inner: HTMLElement, view?: TextView, isAgain?: boolean}} OpenNode
 *
 * Shows the text of a node in place of the renderer; `restore` leaves only the text, because the node is dissolved.
 * @typedef {{append: (text: string) => void, close: () => void, restore?: () => void}} TextView
 *
 * What is made for a node. `inner` is `outer` by default, and `parent`, to which `outer` is added, the open node's `inner`.
 * @typedef {{outer: HTMLElement, inner?: HTMLElement, parent?: HTMLElement, view?: TextView}} NewNode
 */

/** Implements the MarkdownSink of operations.js. */
export class MarkdownRenderer {
  #pending = "";

  /** @param {HTMLElement} root the element to which blocks are added */
  constructor(root) {
    /** @type {OpenNode} */
    this.root = { kind: "root", outer: root, inner: root };
    /** @type {OpenNode[]} The open nodes inside of the root, outermost first. */
    this.openNodes = [];
    /** @type {Map<number, OpenNode>} Closed nodes whose content may come again. */
    this.kept = new Map();
  }

  /**
   * Begin a node inside the innermost open one.
   *
   * @template {NodeKind} Kind
   * @param {Kind} kind
   * @param {NodeAttributes[Kind]} attributes
   */
  open(kind, attributes) {
    this.flush();
    if ("id" in attributes) return this.#openAgain(attributes.id);
    const top = this.#top;
    const { outer, inner = outer, parent = top.inner, view } = MAKERS[kind](attributes, top);
    setDirection(outer, kind, top);
    parent.append(outer);
    if (kind === "fence") nameCode(outer, "language" in attributes ? attributes.language : "");
    if (kind === "table") nameTable(outer);
    this.openNodes.push({ kind, outer, inner, view });
  }

  /**
   * Add text to the innermost open node. It is gathered until the next operation, or until `flush`.
   *
   * @param {string} text
   */
  text(text) {
    this.#pending += text;
  }

  /**
   * Apply what was not known when the innermost node opened.
   *
   * @param {LateAttributes} attributes
   */
  set(attributes) {
    this.flush();
    const { outer, inner } = this.#top;
    if ("href" in attributes) setAddress(inner, attributes);
    else if ("aligns" in attributes) alignHead(outer, attributes.aligns);
    else if ("loose" in attributes) outer.classList.add("loose");
    else this.kept.set(attributes.id, this.#top);
  }

  /** Complete the innermost open node. */
  close() {
    this.flush();
    const closed = this.openNodes.pop();
    closed?.view?.close();
    if (closed?.kind === "row" && closed.inner.parentElement?.tagName === "THEAD") addTableHead(this.#top.outer);
  }

  /**
   * Replace the innermost open node by a text and its content.
   *
   * @param {string} literal the text
   */
  unwrap(literal) {
    this.flush();
    const { outer, view } = this.openNodes.pop() ?? {};
    view?.restore?.();
    outer?.replaceWith(literal, ...outer.childNodes);
  }

  /** Remove the innermost open node; of one whose content comes again, only the content. */
  drop() {
    this.#pending = "";
    const { outer, isAgain } = this.openNodes.pop() ?? {};
    if (isAgain) outer?.replaceChildren();
    else outer?.remove();
  }

  /** Put the gathered text on the page. */
  flush() {
    if (!this.#pending) return;
    const { inner, view } = this.#top;
    if (view) view.append(this.#pending);
    else appendText(inner, this.#pending);
    this.#pending = "";
  }

  /** @param {number} id Open a node anew that was closed, without its content. */
  #openAgain(id) {
    const node = this.kept.get(id);
    if (!node) throw new Error(`There is no node ${id} whose content could come again.`);
    node.inner.replaceChildren();
    this.openNodes.push({ ...node, isAgain: true });
  }

  get #top() {
    return this.openNodes.at(-1) ?? this.root;
  }
}

/**
 * Makes the elements of a node, from its attributes and the innermost open node.
 *
 * @type {{[Kind in NodeKind]: (attributes: NodeAttributes[Kind], top: OpenNode) => NewNode}}
 */
const MAKERS = {
  paragraph: () => ({ outer: createElement("p") }),
  quote: () => ({ outer: createElement("blockquote") }),
  rule: () => ({ outer: createElement("hr") }),
  break: () => ({ outer: createElement("br") }),
  emphasis: () => ({ outer: createElement("em") }),
  strong: () => ({ outer: createElement("strong") }),
  strike: () => ({ outer: createElement("del") }),
  code: () => ({ outer: createElement("code") }),
  link: () => ({ outer: createElement("a") }),
  sub: () => ({ outer: createElement("sub") }),
  sup: () => ({ outer: createElement("sup") }),
  kbd: () => ({ outer: createElement("kbd") }),
  summary: () => ({ outer: createElement("summary") }),
  details: ({ open }) => ({ outer: createElement("details", { open }) }),
  again: () => ({ outer: createElement("p") }),
  heading: ({ level }) => ({ outer: document.createElement(`h${level}`) }),

  math({ display }) {
    const view = new MathView(display);
    return { outer: view.element, view };
  },

  list({ ordered, start }) {
    if (!ordered) return { outer: createElement("ul") };
    const outer = createElement("ol");
    if (start !== 1) outer.start = start;
    return { outer };
  },

  item({ task }) {
    const outer = createElement("li");
    if (task !== null) {
      const box = createElement("input", { type: "checkbox", disabled: true, checked: task });
      box.setAttribute("aria-label", task ? "Done" : "To do");
      outer.className = "task";
      outer.append(box);
    }
    return { outer };
  },

  fence({ language }) {
    const outer = createElement("figure", { className: "code", dir: "ltr" });
    const bar = createElement("figcaption");
    const copy = createElement("button", { type: "button", className: "copy", textContent: "Copy" });
    bar.append(createElement("span", { textContent: language || "text" }), copy);
    const lines = createElement("pre", { tabIndex: 0, role: "group" });
    const inner = createElement("code");
    lines.append(inner);
    outer.append(bar, lines);
    return { outer, inner, view: new CodeView(inner, language) };
  },

  table() {
    const outer = createElement("div", { className: "table", tabIndex: 0 });
    outer.setAttribute("role", "region");
    const inner = createElement("table");
    outer.append(inner);
    return { outer, inner };
  },

  row({ head }, { inner }) {
    const table = /** @type {HTMLTableElement} */ (inner);
    const parent = head ? table.createTHead() : (table.tBodies[0] ?? table.createTBody());
    return { outer: createElement("tr"), parent };
  },

  cell({ head, align }) {
    const outer = head ? createElement("th", { scope: "col" }) : createElement("td");
    if (align !== "start") outer.className = align;
    return { outer };
  },
};

/**
 * @param {HTMLElement} link
 * @param {{href: string, title: string}} attributes
 */
function setAddress(link, { href, title }) {
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer nofollow" });
  if (title) link.title = title;
}

/**
 * Align the cells of a table's head, which opened before the alignments were known.
 *
 * @param {HTMLElement} table
 * @param {Alignment[]} aligns
 */
function alignHead(table, aligns) {
  for (const [column, cell] of [...table.querySelectorAll("th")].entries()) {
    if (aligns[column] && aligns[column] !== "start") cell.className = aligns[column];
  }
}
