/** What a screen reader is given: the paragraphs of a live region without a browser. */

import { Announcer } from "../../../flask_headrace/static/answer/announcer.js";
import { tee } from "../../../flask_headrace/static/answer/tee.js";
import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";
import { MARKDOWN_OPERATIONS } from "../../../flask_headrace/static/markdown/operations.js";
import { Tree } from "../markdown/tree.mjs";

/** A live region that remembers all that was ever put into it. */
export class Region {
  heard = [];
  childElementCount = 0;
  firstElementChild = null;

  append(line) {
    this.heard.push(line.textContent);
  }
}

globalThis.document = { createElement: () => ({ textContent: "" }) };

/** An announcer and the paragraphs that it says. */
export function listener() {
  const region = new Region();
  return { announcer: new Announcer(region), heard: region.heard };
}

/** What is heard of an answer that comes in these pieces, and the tree that is shown of it. */
export function hear(pieces) {
  const { announcer, heard } = listener();
  const tree = new Tree();
  const markdown = new Markdown(tee(MARKDOWN_OPERATIONS, tree, announcer));
  for (const piece of pieces) markdown.feed(piece);
  markdown.end();
  return { heard, tree };
}

/** The text of a tree as it is read out: of code the name, cells with commas between them. */
export function spokenText(node) {
  if (typeof node === "string") return node;
  if (node.kind === "fence") return ` ${node.attributes.language} code block. `;
  if (node.kind === "break") return " ";
  if (node.kind === "row") return node.children.map(spokenText).map((cell) => cell.trim()).filter(Boolean).join(", ");
  return node.children.map(spokenText).join("");
}
