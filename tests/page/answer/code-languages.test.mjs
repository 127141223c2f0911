/** The names of languages: each leads to a grammar that the set-up fetches. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { embeddedAfter, grammarOf, grammarsFor } from "../../../flask_headrace/static/answer/code-languages.js";
import { loadTokenizers, requireLibraries } from "./libraries.mjs";

requireLibraries();

const lock = JSON.parse(readFileSync(new URL("../../../tools/page_libraries.json", import.meta.url), "utf8"));
const { languages } = lock.libraries.highlight;

test("every grammar of the lock has its name, and needs only others of the lock", () => {
  for (const grammar of languages) {
    assert.equal(grammarOf(grammar), grammar);
    for (const name of grammarsFor(grammar)) assert(languages.includes(name), name);
  }
});

test("every grammar can be loaded and reads code", async () => {
  for (const grammar of languages) {
    const { tokens } = (await loadTokenizers(grammar))(grammar)("x = 1\n");
    assert.equal(tokens.map(([, text]) => text).join(""), "x = 1\n");
  }
});

test("models' names of languages lead to their grammars", () => {
  const names = { py: "python", JS: "javascript", tsx: "typescript", "c++": "cpp", html: "xml", sh: "bash", yml: "yaml", toml: "ini" };
  for (const [name, grammar] of Object.entries(names)) assert.equal(grammarOf(name), grammar, name);
  assert.equal(grammarOf("language-rust"), "rust");
  for (const unknown of ["", "text", "mermaid", "constructor", "__proto__", "../x"]) assert.equal(grammarOf(unknown), null, unknown);
});

test("a line of HTML that ends with a script or a style says what follows", () => {
  assert.equal(embeddedAfter("<style>\n")?.grammar, "css");
  assert.equal(embeddedAfter("<script>\n")?.grammar, "javascript");
  assert.equal(embeddedAfter('  <script type="module" defer>\n')?.grammar, "javascript");
  assert.equal(embeddedAfter('<script setup lang="ts">\n')?.grammar, "typescript");
  assert.equal(embeddedAfter('<script type="application/ld+json">\n')?.grammar, "json");
  assert.equal(embeddedAfter("<script type='text/x-template'>\n")?.grammar, "xml");
  for (const line of ["<p>", "<script src='a'></script>\n", "<style/>\n", "scripts>\n"]) {
    assert.equal(embeddedAfter(line), null, line);
  }
});
