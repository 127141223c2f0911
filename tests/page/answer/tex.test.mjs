/** TeX that is still being written: what is tried in its place, and how much of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { completions, expansionLimit } from "../../../flask_headrace/static/answer/tex.js";

const first = (tex) => completions(tex)[0]?.tex;

test("what is open is closed, innermost first", () => {
  assert.equal(first("\\frac{a}{b"), "\\frac{a}{b}");
  assert.equal(first("\\left( \\sqrt{x"), "\\left( \\sqrt{x}\\right.");
  assert.equal(first("\\begin{matrix} a & {b"), "\\begin{matrix} a & {b}\\end{matrix}");
  assert.equal(first("x"), "x");
});

test("arguments that are missing are empty in what is tried next", () => {
  assert.deepEqual(completions("\\frac{a}").map(({ tex }) => tex), ["\\frac{a}", "\\frac{a}{}"]);
  assert.equal(completions("\\frac{a")[1].tex, "\\frac{a{}}{}");
});

test("what may go on at the end is left out, and is no part of what is shown", () => {
  const ends = { "a \\alp": "a ", "a\\": "a", "x^": "x", "x_{": "x_{}", "a \\left": "a ", "a \\begin{mat": "a ", "a \\left\\": "a " };
  for (const [tex, shown] of Object.entries(ends)) assert.equal(first(tex), shown, tex);
  assert.equal(completions("a \\alp")[0].length, 2);
  assert.equal(first("a \\\\"), "a \\\\");
  assert.equal(first("\\{ a \\}"), "\\{ a \\}");
});

test("what does not fit together, and what is empty, is not tried", () => {
  for (const tex of ["a}", "\\begin{a}\\end{b}", "{\\right)", "", "\\fr", "^"]) assert.deepEqual(completions(tex), [], tex);
});

test("what is hostile is not rendered, or only within limits", () => {
  assert(expansionLimit("\\frac{a}{b}") > 1_000);
  assert.equal(expansionLimit("{".repeat(100)), 0);
  assert.equal(expansionLimit("\\left(".repeat(100)), 0);
  assert.equal(expansionLimit("x".repeat(10_001)), 0);
  assert(expansionLimit("\\def\\a{\\a\\a}\\a") <= 100);
  assert(expansionLimit("\\newcommand{\\a}{b}") <= 100);
  assert.equal(expansionLimit(`\\def\\a{${"x".repeat(1_000)}}`), 0);
  assert(expansionLimit("\\leq \\deflate \\letter") > 1_000, "names that only begin like a definition");
});

test("walls of marks take little time to complete", () => {
  for (const wall of ["\\", "^", "{", "}", "\\begin{", "\\begin{a}", "\\left", " ", "%", "a\\\\", "\\a"]) {
    const tex = wall.repeat(10_000 / wall.length);
    for (const { tex: tried } of completions(tex)) assert(tried.length <= 12 * tex.length);
    expansionLimit(tex);
  }
});
