/** What holds for any text: texts put together by chance, of what means something to Markdown. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";
import { chance, cutText, randomText } from "./pieces.mjs";
import { Tree, treeOf } from "./tree.mjs";

const ROUNDS = 1_500;

function each(check) {
  for (let round = 1; round <= ROUNDS; round++) {
    const next = chance(round * 7919);
    check(randomText(next, 2 + next(round % 3 ? 12 : 40)), next);
  }
}

function fed(pieces, isCut = false) {
  const tree = new Tree();
  const markdown = new Markdown(tree);
  for (const piece of pieces) markdown.feed(piece);
  markdown.end(isCut);
  assert.equal(tree.open_.length, 1, "every node is closed");
  return tree;
}

test("any text gives the same tree however it is cut", () => {
  each((text, next) => {
    const whole = String(fed([text]));
    for (const pieces of [cutText(next, text, 1), cutText(next, text, 4), cutText(next, text, 12)]) {
      assert.equal(String(fed(pieces)), whole, JSON.stringify(pieces));
    }
  });
});

test("a text may be cut off anywhere, and every node is closed", () => {
  each((text, next) => fed(cutText(next, text.slice(0, 1 + next(text.length)), 5), true));
});

test("no text leads to an address that is not safe, at any moment", () => {
  each((text, next) => {
    const tree = new Tree();
    const set = tree.set.bind(tree);
    tree.set = (attributes) => {
      if ("href" in attributes) assert.match(attributes.href, /^(?:https?:\/\/|mailto:)/i);
      set(attributes);
    };
    const markdown = new Markdown(tree);
    for (const piece of cutText(next, text, 6)) markdown.feed(piece);
    markdown.end();
  });
});

test("each word of a text stands in its tree once, and in order", () => {
  const marks = ["*", "**", "_", "`", "~~", "[", "]", "<", "> ", "$", "|", "\n", "\n\n", "\n- ", "\n1. ", "\n> ", "\n# ", "\n    ", "\\(", "\\[", " ", "\n---\n", "\n|-|\n"];
  for (let round = 1; round <= ROUNDS; round++) {
    const next = chance(round * 104729);
    const words = Array.from({ length: 3 + next(20) }, (_, index) => `w${index}q`);
    const text = words.map((word) => `${word} ${marks[next(marks.length)]}${next(2) ? " " : ""}`).join("");
    const found = String(treeOf(text)).match(/w\d+q/g);
    // A row shows as many cells as its table's head has: what stands in further ones is not shown.
    if (!text.includes("|-|")) assert.deepEqual(found, words, JSON.stringify(text));
    else assert.deepEqual(found, words.filter((word) => found.includes(word)), JSON.stringify(text));
  }
});
