/** Code that grows: its tokens are those of the whole, its text is never another one, and its work is bounded. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CodeTokens } from "../../../flask_headrace/static/answer/code-tokens.js";
import { EmbeddedCodeTokens } from "../../../flask_headrace/static/answer/embedded-code-tokens.js";
import { loadTokenizers, requireLibraries } from "./libraries.mjs";

requireLibraries();

const read = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const textOf = (tokens) => tokens.map(([, text]) => text).join("");
/** Each character with its kind: how a run of one kind is cut makes no difference. */
const charactersOf = (tokens) => tokens.flatMap(([kind, text]) => Array.from(text, (character) => `${kind} ${character}`));

const SAMPLES = {
  python: read("tools/bootstrap.py"),
  javascript: read("flask_headrace/static/json/grammar.js"),
  typescript: "interface A<T> {\n  b?: Array<T>;\n}\nconst f = async (x: number): Promise<string> => `${x}` as string;\n",
  css: read("flask_headrace/static/css/turn.css"),
  bash: read(".ci/run"),
  makefile: read("Makefile"),
  ini: read("pyproject.toml").slice(0, 9_000),
  json: read("tests/package.json"),
  yaml: "# c\na:\n  - b: 'c'\n    d: 1\n",
  rust: "/* a\n b */\nfn main() {\n    let x: Vec<u8> = vec![1, 2];\n    println!(\"{}\", x.len());\n}\n",
  cpp: "#include <a>\ntemplate <class T>\nint f(T a) {\n  return R\"(x\ny)\" + 1'000;\n}\n",
  sql: "SELECT a, count(*) -- c\nFROM b\nWHERE c = 'd\ne' AND f > 1;\n",
  diff: "@@ -1,2 +1,2 @@\n-a\n+b\n c\n",
  clojure: "(defn f [x]\n  (let [y (inc x)]\n    (str \"a\n b\" y)))\n; c\n(f 1)\n",
};

/** Feed code in pieces, and return the tokens that were settled, how often characters were read, and most at a time. */
function stream(tokens, code, size, budget = Infinity) {
  const settled = [];
  let length = 0;
  let before = 0;
  let most = 0;
  const settle = () => {
    const more = tokens.settle(budget);
    settled.push(...more);
    assert(code.startsWith(textOf(more), length));
    length += textOf(more).length;
    assert.equal(textOf(tokens.looks()), code.slice(length, fed));
    most = Math.max(most, tokens.work - before);
    before = tokens.work;
  };
  let fed = 0;
  while (fed < code.length) {
    tokens.append(code.slice(fed, fed + size));
    fed = Math.min(fed + size, code.length);
    settle();
  }
  tokens.close();
  do settle();
  while (!tokens.isDone);
  assert.equal(length, code.length);
  return { settled, work: tokens.work, most };
}

for (const [grammar, code] of Object.entries(SAMPLES)) {
  test(`${grammar} that grows has the tokens of the whole, however it is cut`, async () => {
    const tokenize = (await loadTokenizers(grammar))(grammar);
    const { tokens } = tokenize(code);
    assert(new Set(tokens.map(([kind]) => kind)).size > 2, "the sample has several kinds");
    for (const size of [7, 33, 1_000, code.length]) {
      const { settled } = stream(new CodeTokens(tokenize), code, size);
      assert.deepEqual(charactersOf(settled), charactersOf(tokens), `in pieces of ${size}`);
    }
  });
}

test("code that comes at once is read in portions", async () => {
  const tokenize = (await loadTokenizers("python"))("python");
  const code = SAMPLES.python.repeat(4);
  const { most } = stream(new CodeTokens(tokenize), code, code.length, 2_000);
  assert(most <= 2 * 16_000, `${most} characters at a time`);
});

const HOSTILE = {
  "a comment without an end": ["javascript", "/*", " a\n"],
  "a string without an end": ["python", '"""', "x = 1\n"],
  "one long line": ["javascript", "", "a=1;"],
  "a wall of brackets": ["clojure", "", "("],
  "brackets in lines": ["clojure", "", "(\n"],
  "blank lines": ["dos", "", "\n"],
  "a word without an end": ["java", "", "a"],
  "words in lines": ["java", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"],
  "templates inside of each other": ["javascript", "", "`${"],
  "scripts inside of each other": ["xml", "", "<script>\n"],
  "styles and scripts by turns": ["xml", "", "<style>\n</style>\n<script>\n</script>\n"],
};

for (const [what, [grammar, start, repeated]] of Object.entries(HOSTILE)) {
  test(`${what}: 100 kB are read a bounded number of times, and little at a time`, async () => {
    const tokenizers = await loadTokenizers(grammar);
    const code = start + repeated.repeat(100_000 / repeated.length);
    // As many characters as come within a frame: eight deltas.
    const tokens = grammar === "xml" ? new EmbeddedCodeTokens(tokenizers) : new CodeTokens(tokenizers(grammar));
    const { work, most } = stream(tokens, code, 32);
    assert(work <= 35 * code.length, `${work / code.length} times`);
    assert(most <= 3 * 16_000, `${most} characters at a time`);
  });
}

test("ordinary code is read about twice when 32 characters come within a frame", async () => {
  const code = SAMPLES.python.repeat(9).slice(0, 100_000);
  const { work } = stream(new CodeTokens((await loadTokenizers("python"))("python")), code, 32);
  assert(work < 4 * code.length, `${work / code.length} times`);
});

test("scripts and styles of HTML are read as what they are, and what follows as HTML", async () => {
  const html = '<p class="a">\n<style>\n.b { color: red }\n</style>\n<script type="module">\nconst c = `/*${d}`; // e\n</script>\n<b>x</b>\n';
  const { settled } = stream(new EmbeddedCodeTokens(await loadTokenizers("xml")), html, 5);
  const kindOf = (text) => settled.find((token) => token[1].includes(text))?.[0];
  assert.equal(kindOf("const"), "keyword");
  assert.equal(kindOf("// e"), "comment");
  assert.equal(kindOf(".b"), "title");
  assert.equal(settled.filter(([kind, text]) => kind === "keyword" && text === "b").length, 2, "the tags of <b>");
});

test("a data block of HTML is read as data", async () => {
  const html = '<script type="application/json">\n{"const": 1}\n</script>\n';
  const { settled } = stream(new EmbeddedCodeTokens(await loadTokenizers("xml")), html, 5);
  assert(settled.some(([kind, text]) => kind === "attribute" && text === '"const"'));
});

test("a grammar that fails leaves the code as it is", () => {
  const tokens = new CodeTokens((code) => ({ tokens: [[null, code]], isSettled: true }));
  assert.equal(textOf(stream(tokens, "a\nb\n\nc", 2).settled), "a\nb\n\nc");
});
