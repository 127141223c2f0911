/** CommonMark's and GFM's own examples, all of them: which ones differ, and why. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { COMMONMARK, GFM, check, wholeTree } from "./spec.mjs";
import { cutText, chance } from "./pieces.mjs";
import { treeOf } from "./tree.mjs";

/** Why an example of CommonMark gives another tree, by its number. */
const DIFFERENT = {
  "a link with a picture in it leads where the link does, since pictures are links themselves": [517, 531],
  "GFM makes links of addresses without brackets": [608, 611, 612],
  "5*6*78 is a product in an answer": [356],
};

const EXPECTED = new Set(Object.values(DIFFERENT).flat());

test("582 of CommonMark's 588 examples without the sections of HTML give the tree that they demand, HTML in them as text", () => {
  const wrong = COMMONMARK.filter((example) => !check(example).isRight).map(({ number }) => number);
  assert.equal(COMMONMARK.length, 588);
  assert.deepEqual(wrong, [...EXPECTED].sort((one, other) => one - other));
});

for (const example of COMMONMARK.filter(({ number }) => !EXPECTED.has(number))) {
  test(`CommonMark ${example.number}, ${example.section}`, () => {
    const { actual, expected } = check(example);
    assert.equal(actual, expected);
  });
}

for (const example of GFM) {
  test(`GFM ${example.number}, ${example.section}`, () => {
    const { actual, expected } = check(example);
    assert.equal(actual, expected);
  });
}

test("there are GFM's examples of tables, strikethrough, task lists and addresses", () => assert.equal(GFM.length, 27));

test("each example gives the same tree however it is cut", () => {
  const next = chance(7);
  for (const { markdown, number } of [...COMMONMARK, ...GFM]) {
    const whole = String(wholeTree(markdown));
    for (const pieces of [[...markdown], cutText(next, markdown, 3), cutText(next, markdown, 9)]) {
      assert.equal(String(wholeTree(markdown, pieces)), whole, `${number}, as ${JSON.stringify(pieces)}`);
    }
  }
});

test("addresses that an answer must not lead to are text, in each example", () => {
  const hrefs = ({ attributes, children = [] }) => [attributes?.href ?? [], ...children.map(hrefs)].flat();
  for (const { markdown } of [...COMMONMARK, ...GFM]) {
    for (const href of hrefs(treeOf(markdown).root)) assert.match(href, /^(?:https?:\/\/|mailto:)/i);
  }
});
