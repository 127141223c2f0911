/** What is read out of an answer: each sentence once, as it stands in the end. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { hear, listener, spokenText } from "./listener.mjs";

const SENTENCE = "The water comes down the race and turns the wheel that stands below it. ";

const HEARD = {
  "brackets that are no link": ["a[i] and b[j] are *items", ["a[i] and b[j] are *items"]],
  "marks that are text": ["**a and `b and ~~c and [d](e f)", ["**a and `b and ~~c and [d](e f)"]],
  "an underlined heading": [`${SENTENCE}And so on\n===\nNext.`, [SENTENCE.trim(), "And so on", "Next."]],
  "a head that is no table": ["| a | b |\nmore", ["| a | b | more"]],
  "a table": ["| a | b |\n|---|---|\n| c | `d[0]` |\n| | e |", ["a, b", "c, d[0]", "e"]],
  "a line break": ["one  \ntwo", ["one two"]],
  "code": ["Do:\n\n```py\nsecret = 1\n```\nSo.", ["Do:", "py code block.", "So."]],
  "sentences on lines of their own": [`${SENTENCE.trim()}\nThen it rests.`, [SENTENCE.trim(), "Then it rests."]],
  "a quote at the end of a sentence": [`“${SENTENCE.trim()}” They said.`, [`“${SENTENCE.trim()}”`, "They said."]],
  "items": ["1. a\n   - b\n2. c", ["a", "b", "c"]],
};

for (const [name, [text, expected]] of Object.entries(HEARD)) {
  test(`read out: ${name}`, () => {
    assert.deepEqual(hear([text]).heard, expected);
    assert.equal(hear([...text]).heard.join(" "), expected.join(" "));
  });
}

test("a sentence is read out before its block ends, and no word is cut", () => {
  const { announcer, heard } = listener();
  announcer.open("paragraph", {});
  announcer.text(`${SENTENCE}Now`);
  assert.deepEqual(heard, [SENTENCE.trim()]);
  announcer.text(` comes ${"a word ".repeat(80)}without en`);
  assert.equal(heard.at(-1).endsWith(" without"), true);
  announcer.text("d");
  announcer.close();
  assert.equal(heard.at(-1), "end");
});

test("a formula is read out by its source, a long one by its name", () => {
  const { announcer, heard } = listener();
  announcer.open("paragraph", {});
  announcer.text("If ");
  for (const tex of ["x^2", `\\sum_{i} ${"x_i + ".repeat(100)}`]) {
    announcer.open("math", { display: false });
    for (const character of tex) announcer.text(character);
    announcer.close();
    announcer.text(" then ");
  }
  announcer.close();
  assert.equal(heard.join(" "), "If x^2 then formula then");
});

test("a dropped block is not read out twice, also where other words follow", () => {
  const { announcer, heard } = listener();
  announcer.open("paragraph", {});
  announcer.text(SENTENCE);
  announcer.drop();
  announcer.open("table", {});
  announcer.open("row", { head: true });
  announcer.open("cell", { head: true, align: "start" });
  announcer.text("The water comes ");
  announcer.close();
  announcer.open("cell", { head: true, align: "start" });
  announcer.text("downstairs");
  announcer.close();
  announcer.close();
  announcer.set({ aligns: ["start", "start"] });
  announcer.close();
  assert.deepEqual(heard, [SENTENCE.trim(), "downstairs"]);
});

test("nothing is left of an answer that begins anew", () => {
  const { announcer, heard } = listener();
  announcer.open("paragraph", {});
  announcer.text("Half a sent");
  announcer.reset();
  announcer.open("paragraph", {});
  announcer.text("Whole.");
  announcer.close();
  assert.deepEqual(heard, ["Whole."]);
});

/** A generator of numbers below a limit: the same ones for the same seed. */
function random(seed) {
  let state = seed * 2654435761 + 1;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    return (state >>> 8) % limit;
  };
}

const SHORT = [
  "a[i]", "*so*", "**b", "`c`", "`d", "~~e~~", "[f](https://g.h)", "[g](h i)", "![j](k)", "\\*", "&amp;", "<br>", "<https://l.m>", "wheel.turn()",
  "$x$", "|", " | ", "\n", "\n", "\n\n", "  \n", "\n- ", "\n1. ", "\n> ", "\n## ", "\n===\n", "\n---\n", "\n|---|---|\n", "\n| n | o |\n", "| p | q |",
  "\n```js\nr\n```\n", "\n- [x] ", "水。", "😀", "[s", "]", "(", ")", "_t_", "http://u.v",
];
// A line with bars that is too long to wait for is read out as a table; with <br> or links that it is none shows too late.
const WITHOUT_TABLES = SHORT.filter((part) => !/[|<[\]]/.test(part));
const LONG = [...WITHOUT_TABLES, "a[i]", "[f](https://g.h)", "[g](h i)", SENTENCE, SENTENCE, "word ".repeat(90), `**${SENTENCE}`, `[${SENTENCE}`, "| a | ", "\n|---|---|\n"];

function draw(next, parts, most) {
  return Array.from({ length: 1 + next(most) }, () => parts[next(parts.length)]).join(next(2) ? " " : "");
}

function cut(next, text) {
  const pieces = [];
  for (let index = 0; index < text.length; ) {
    const size = 1 + next(next(3) ? 4 : 90);
    pieces.push(text.slice(index, index + size));
    index += size;
  }
  return pieces;
}

const bare = (text) => text.replace(/\s+/g, "");
const wordsOf = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "");

test("what is heard is the text that the blocks have in the end, however it is cut", () => {
  for (let seed = 1; seed <= 4000; seed++) {
    const next = random(seed);
    const text = draw(next, SHORT, 12);
    const pieces = cut(next, text);
    const { heard, tree } = hear(pieces);
    const said = bare(heard.join(" "));
    // A reference that never gets its definition was heard as a link: its brackets and its label come at the answer's end.
    const isHeardWhole = heard.every((part) => part.length < 60) && tree.readAgain === 0;
    if (isHeardWhole) assert.equal(said, bare(tree.root.children.map(spokenText).join(" ")), JSON.stringify(pieces));
  }
});

test("no word of a long block is lost or doubled, however it is cut", () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const next = random(seed);
    const pieces = cut(next, draw(next, LONG, 10));
    const { heard, tree } = hear(pieces);
    assert.equal(wordsOf(heard.join(" ")), wordsOf(tree.root.children.map(spokenText).join(" ")), JSON.stringify(pieces));
  }
});
