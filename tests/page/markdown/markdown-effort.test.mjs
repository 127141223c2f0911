/** What hostile Markdown costs: work that grows as its text does, counted, whether it comes whole or piece by piece. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Markdown } from "../../../flask_headrace/static/markdown/markdown.js";
import { effortOf } from "../effort.mjs";

const SHORT = 3_000;
const LONG = 4 * SHORT;

/** Most of its work may grow by, beyond what its text grows by. */
const SLACK = 1.25;
/** Blocks and characters that one character may cost: lines whose beginning is looked at again cost most. */
const MOST = 4_000;

const SHAPES = {
  "lines of one paragraph": "a\n",
  "lines with a bar": "a|b\n",
  "lines that begin with a bar": "|a\n",
  "rows of a table": ["|a|b|\n|-|-|\n", "|a|b|\n"],
  "stars and letters": "*a",
  "stars and words": "**a *b ",
  "open brackets": "[",
  "links without an end": "[a](",
  "links whose titles have no end": "[a](b 'c ",
  "links to nowhere": "[a](b c)",
  "backticks": "`",
  "runs of backticks": "`a``b```c",
  "open angles": "<",
  "angles and letters": "<a",
  "bars": "|",
  "nested quotes": "> > > > > > > > > > > > > a\n",
  "nested lists": ["- ".repeat(12) + "a\n", `${" ".repeat(60)}b\n`],
  "blank lines in nested lists": ["- ".repeat(12) + "a\n", `${" ".repeat(390)}\n`],
  "lines of dashes and blanks": "- ".repeat(180) + "\n",
  "delimiters of no table": "a|b\n|-" + " ".repeat(300) + "x\n",
  "addresses": "http://a.b/c ",
  "an address of marks": ["http://a", ")"],
  "references": "&amp",
  "blanks and a letter": "   a",
  "one long line": "mill ",
  "headings that close": "# # ",
  "dollars": "$a ",
  "formulas without an end": "\\(a ",
  "formulas in lines without an end": "$$\n",
  "tags": "<sub>a",
  "tags without an end": "<a b=\"c",
  "underscores": "_a __b ",
  "mail": "a.b@c.d ",
  "uses of references": "[a][b] ",
  "definitions": "[a]: http://b.c\n",
  "rows of a wide table": [`|${"a|".repeat(40)}\n|${"-|".repeat(40)}\n`, "a\n"],
};

const WAYS = {
  "in one piece": (markdown, text) => markdown.feed(text),
  "a character at a time": (markdown, text) => [...text].forEach((mark) => markdown.feed(mark)),
};

for (const [name, shape] of Object.entries(SHAPES)) {
  for (const [way, feed] of Object.entries(WAYS)) {
    test(`${name}, ${way}: four times the text is four times the work`, () => {
      const [short, long] = [SHORT, LONG].map((length) => effort(shape, length, feed));
      assert.ok(long <= 4 * SLACK * short, `${(long / short).toFixed(1)} times: ${short}, then ${long}`);
      assert.ok(long <= MOST * LONG, `${Math.round(long / LONG)} for each character`);
    });
  }
}

function effort(shape, length, feed) {
  const [first, unit] = Array.isArray(shape) ? shape : ["", shape];
  const text = first + unit.repeat(Math.ceil((length - first.length) / unit.length));
  const markdown = new Markdown(NOWHERE);
  return effortOf(() => {
    feed(markdown, text);
    markdown.end();
  });
}

const nothing = () => {};
const NOWHERE = { open: nothing, text: nothing, set: nothing, close: nothing, unwrap: nothing, drop: nothing };
