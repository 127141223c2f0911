/**
 * How often text that is shown changes while an answer comes, character by character, for the answers beside this file.
 *
 * A change is a moment after which the page's text does not begin with the text that was there before it.
 */

import { readdirSync, readFileSync } from "node:fs";

import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";
import { Tree } from "./tree.mjs";

const FOLDER = new URL("answers/", import.meta.url);

/** The answers, by name. */
export const ANSWERS = Object.fromEntries(
  readdirSync(FOLDER).sort().map((name) => [name.replace(/\.md$/, ""), readFileSync(new URL(name, FOLDER), "utf8")]),
);

const BLOCKS = new Set(["paragraph", "heading", "quote", "list", "item", "fence", "table", "row", "cell", "rule", "details", "summary"]);

/** The text of a tree, each block and line break as a new line. */
export function textOf(node) {
  if (typeof node === "string") return node;
  const inner = node.children.map(textOf).join("");
  if (node.kind === "break") return "\n";
  return BLOCKS.has(node.kind) ? `\n${inner}` : inner;
}

/** The changes of the text that is shown while an answer comes: each with the text before and after it. */
export function changesOf(answer) {
  const tree = new Tree();
  const markdown = new Markdown(tree);
  const changes = [];
  let before = "";
  const look = (at) => {
    const after = textOf(tree.root).replace(/\s+/g, " ").trim();
    if (!after.startsWith(before)) changes.push({ at, before, after });
    before = after;
  };
  for (const [at, character] of [...answer].entries()) {
    markdown.feed(character);
    look(at);
  }
  markdown.end();
  look(answer.length);
  return changes;
}

/** The number of answers, of their prefixes, and of the changes over all of them. */
export function countChanges(answers = ANSWERS) {
  const texts = Object.values(answers);
  return {
    answers: texts.length,
    prefixes: texts.reduce((sum, text) => sum + [...text].length, 0),
    changes: texts.reduce((sum, text) => sum + changesOf(text).length, 0),
  };
}
