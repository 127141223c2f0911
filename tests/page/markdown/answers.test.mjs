/** Answers of many kinds: what a reader has seen of one stays as it is while the rest comes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { chance, cutText } from "./pieces.mjs";
import { ANSWERS, changesOf, countChanges } from "./prefixes.mjs";
import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";
import { Tree, treeOf } from "./tree.mjs";

test("over all prefixes of at least 30 answers, text that is shown changes fewer than 10 times", () => {
  const { answers, prefixes, changes } = countChanges();
  assert.ok(answers >= 30 && prefixes > 5_000, `${answers} answers, ${prefixes} prefixes`);
  assert.ok(changes < 10, `${changes} changes`);
});

for (const [name, answer] of Object.entries(ANSWERS)) {
  test(`${name}: no text that is shown changes`, () => assert.deepEqual(changesOf(answer), []));

  test(`${name}: gives the same tree however it is cut`, () => {
    const next = chance(name.length);
    const whole = String(treeOf(answer));
    for (let most = 1; most < 40; most = Math.ceil(most * 1.7)) {
      const tree = new Tree();
      const markdown = new Markdown(tree);
      for (const piece of cutText(next, answer, most)) markdown.feed(piece);
      markdown.end();
      assert.equal(String(tree), whole);
    }
  });
}

test("a change is counted", () => {
  assert.equal(changesOf("a `b c d *e* and so on").length, 1);
  assert.equal(changesOf("a [b] c\n\n[b]: http://d.e").length, 2);
});
