/** The growing JSON document in JavaScript: what the parser of the server does, and what only JavaScript can get wrong. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { JSONDocument, JSONError, MAX_DEPTH, PartialJSON } from "../../../flask_headrace/static/json/partial-json.js";
import { plain, resultOf } from "./growing.mjs";

const SHARED = JSON.parse(readFileSync(new URL("../../core/partial_json/cases.json", import.meta.url), "utf8"));

/** A text whole, character by character, and in two pieces at every place, also inside a surrogate pair. */
function everyCut(text) {
  const places = [...Array(Math.max(text.length - 1, 0)).keys()];
  return [[text], text.split(""), ...places.map((at) => [text.slice(0, at + 1), text.slice(at + 1)])];
}

for (const { name, pieces, ops } of SHARED.patches)
  test(`${name}: the patches`, () => {
    const parser = new PartialJSON();
    assert.deepEqual(pieces.map((piece) => parser.feed(piece)), ops);
    assert.deepEqual(parser.end(), []);
  });

for (const { name, text, value } of SHARED.documents)
  test(`${name}: the document, however it is cut`, () => {
    for (const pieces of everyCut(text)) assert.deepEqual(resultOf(pieces), { value }, JSON.stringify(pieces));
  });

for (const { name, text, kind, at, value, limits = {} } of SHARED.refused)
  test(`${name}: refused, however it is cut`, () => {
    const options = { maxDepth: limits.depth, maxPathLength: limits.path };
    for (const pieces of everyCut(text)) assert.deepEqual(resultOf(pieces, options), plain({ value, kind, at }), JSON.stringify(pieces));
  });

test("half a surrogate pair without its other half is refused where it stands", () => {
  for (const half of ["\ud83d", "\ude00"])
    for (const pieces of everyCut(`["a${half}b"]`)) assert.deepEqual(resultOf(pieces), { value: ["a"], kind: "malformed", at: 3 });
});

test("half a surrogate pair shows nothing before its other half has come", () => {
  const parser = new PartialJSON();
  assert.deepEqual(parser.feed('"a\ud83d'), [{ op: "add", path: "", value: "a" }]);
  assert.deepEqual(parser.feed("\ude00"), [{ op: "append", path: "", value: "😀" }]);
});

test("an error says what was found, and is final", () => {
  const parser = new PartialJSON();
  const refusal = (call) => {
    try {
      return call();
    } catch (error) {
      return error;
    }
  };
  const first = refusal(() => parser.feed("[1,x"));
  assert.ok(first instanceof JSONError);
  assert.equal(first.message, '"x" stands where a value should, at character 3');
  assert.deepEqual(first.ops.length, 2);
  assert.equal(refusal(() => parser.feed("2]")), first);
  assert.equal(refusal(() => parser.end()), first);
});

test("the size, the depth and a number are bounded", () => {
  assert.deepEqual(resultOf(["[1,", "2", "]"], { maxTextLength: 4 }), { value: [1], kind: "too long", at: 4 });
  assert.equal(resultOf(["[".repeat(MAX_DEPTH + 1)]).kind, "too deep");
  assert.deepEqual(resultOf(["[", ..."1".repeat(1025)]), { value: [], kind: "too long", at: 1025 });
});

test("the end may be told twice", () => {
  const parser = new PartialJSON();
  assert.deepEqual(parser.feed("12"), []);
  assert.equal(parser.isComplete, false);
  assert.deepEqual(parser.end(), [{ op: "add", path: "", value: 12 }]);
  assert.deepEqual(parser.end(), []);
  assert.equal(parser.isComplete, true);
});

test("no key changes what an object is", () => {
  const value = new JSONDocument().apply(new PartialJSON().feed('{"__proto__":{"a":1,"a":2},"constructor":{"b":3}}'));
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.deepEqual(Object.keys(value), ["__proto__", "constructor"]);
  assert.deepEqual(value, JSON.parse('{"__proto__":{"a":2},"constructor":{"b":3}}'));
});

test("no op reaches beyond its document", () => {
  for (const path of ["/__proto__/polluted", "/constructor/prototype/polluted", "/a/__proto__/polluted", "/a/0/b", "/b/c"])
    assert.throws(() => new JSONDocument({ a: [1] }).apply([{ op: "add", path, value: 1 }]), RangeError);
  for (const path of ["/toString", "/b", "/a", "/a/9"])
    assert.throws(() => new JSONDocument({ a: [1] }).apply([{ op: "append", path, value: "x" }]), RangeError);
  assert.equal({}.polluted, undefined);
});

test("the same ops make two documents", () => {
  const ops = new PartialJSON().feed('{"a":[1');
  const [first, second] = [new JSONDocument(), new JSONDocument()];
  first.apply(ops);
  second.apply(ops);
  first.apply([{ op: "add", path: "/a/-", value: 2 }]);
  assert.deepEqual([first.value, second.value], [{ a: [2] }, { a: [] }]);
});

test("a document goes on from a snapshot", () => {
  assert.deepEqual(new JSONDocument({ a: "b" }).apply([{ op: "append", path: "/a", value: "c" }]), { a: "bc" });
});
