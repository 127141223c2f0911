/** The operations of the streaming Markdown, applied to plain objects: what a reader would see, as text. */

import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";

export class Tree {
  constructor() {
    this.root = { kind: "root", attributes: {}, children: [] };
    this.open_ = [this.root];
    this.operations = 0;
    this.deepest = 0;
    this.kept = new Map();
    this.readAgain = 0;
  }

  get top() {
    return this.open_.at(-1);
  }

  open(kind, attributes) {
    this.operations++;
    if (kind === "again") {
      const kept = this.kept.get(attributes.id);
      kept.children = [];
      this.readAgain++;
      this.open_.push(kept);
      return;
    }
    const node = { kind, attributes: { ...attributes }, children: [] };
    this.top.children.push(node);
    this.open_.push(node);
    this.deepest = Math.max(this.deepest, this.open_.length);
  }

  text(text) {
    this.operations++;
    if (typeof this.top.children.at(-1) === "string") text = this.top.children.pop() + text;
    this.top.children.push(text);
  }

  set(attributes) {
    const { top } = this;
    if (attributes.id) this.kept.set(attributes.id, top);
    else if (attributes.aligns) top.children[0].children.forEach((cell, column) => (cell.attributes.align = attributes.aligns[column]));
    else Object.assign(top.attributes, attributes);
  }

  close() {
    this.operations++;
    if (this.open_.length === 1) throw new Error("closed the root");
    this.open_.pop();
  }

  unwrap(literal) {
    this.operations++;
    const node = this.open_.pop();
    this.top.children.pop();
    for (const child of [literal, ...node.children]) {
      if (typeof child === "string") this.text(child);
      else this.top.children.push(child);
    }
  }

  drop() {
    this.operations++;
    const node = this.open_.pop();
    if (this.top.children.at(-1) === node) this.top.children.pop();
    else node.children = [];
  }

  toString() {
    return this.root.children.map(written).join("");
  }
}

const SHORT = {
  paragraph: "p", quote: "q", list: "ul", item: "li", row: "tr", cell: "td", emphasis: "em", strike: "del", link: "a",
  break: "br", rule: "hr",
};

function written(node) {
  if (typeof node === "string") return node;
  const { kind, attributes, children } = node;
  let name = SHORT[kind] ?? kind;
  let more = "";
  if (kind === "heading") name = `h${attributes.level}`;
  if (kind === "list" && attributes.ordered) [name, more] = ["ol", attributes.start === 1 ? "" : ` ${attributes.start}`];
  if (kind === "item" && attributes.task !== null) more = attributes.task ? " x" : " o";
  if (kind === "fence" && attributes.language) more = ` ${attributes.language}`;
  if (kind === "link" && attributes.href) more = ` ${attributes.href}${attributes.title ? ` ${attributes.title}` : ""}`;
  if (kind === "cell") more = { start: "", end: " >", center: " =" }[attributes.align];
  if (kind === "cell" && attributes.head) name = "th";
  const inner = children.map(written).join("");
  return inner ? `<${name}${more}>${inner}</${name}>` : `<${name}${more}/>`;
}

/** The tree of a whole answer. */
export function treeOf(text) {
  const tree = new Tree();
  const markdown = new Markdown(tree);
  markdown.feed(text);
  markdown.end();
  return tree;
}

/** What a reader sees while the answer has come this far. */
export function seen(text) {
  const tree = new Tree();
  new Markdown(tree).feed(text);
  return String(tree);
}

/** What a reader sees after the answer was cut off here. */
export function stoppedAt(text) {
  const tree = new Tree();
  const markdown = new Markdown(tree);
  markdown.feed(text);
  markdown.end(true);
  return String(tree);
}
