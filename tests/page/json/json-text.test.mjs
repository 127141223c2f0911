/** JSON that stays text. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { JSONText, encodeJSON, indentJSON, memberText, showInvisible } from "../../../flask_headrace/static/json/json-text.js";

test("a member's text has all digits, wherever it stands and whatever is around it", () => {
  const text = '{"call":0,"a \\"result\\": {":1,"other":{"result":[1,{"result":2}]},"result":{"n":9007199254740993,"p":1.50},"z":"}"}';
  assert.equal(memberText(text, "result"), '{"n":9007199254740993,"p":1.50}');
  assert.equal(memberText(text, "call"), "0");
  assert.equal(memberText(text, "z"), '"}"');
  assert.equal(memberText(text, "n"), undefined);
  assert.equal(memberText(text, "missing"), undefined);
});

test("a member's text is found with any white space, under an escaped name, and the last one counts", () => {
  assert.equal(memberText('{ "res\\u0075lt" :\n 1e400 }', "result"), "1e400");
  assert.equal(memberText('{"a": "result", "result": 1, "result" : [ 2 ]}', "result"), "[ 2 ]");
  assert.equal(memberText('{"result":"\\\\"}', "result"), '"\\\\"');
  assert.equal(memberText('{"result":null}', "result"), "null");
  assert.equal(memberText("{}", "result"), undefined);
});

test("an indented text is what JSON.stringify makes of it, where that keeps the digits", () => {
  for (const value of [null, 1, "a: {b}, [c]", [], {}, [[]], { a: {} }, { a: [1, { b: "\\\"}" }], c: null }]) {
    assert.equal(indentJSON(JSON.stringify(value)), JSON.stringify(value, null, 2));
    assert.equal(indentJSON(JSON.stringify(value, null, 1)), JSON.stringify(value, null, 2));
  }
  assert.equal(indentJSON('{"n":1.50}'), '{\n  "n": 1.50\n}');
});

test("depth and length are no problem", () => {
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  assert.equal(memberText(`{"result":${deep}}`, "result"), deep);
  assert.ok(indentJSON(deep).length < 60 * deep.length);
  const long = JSON.stringify("a\\\"".repeat(500_000));
  assert.equal(memberText(`{"result":${long}}`, "result"), long);
  assert.equal(indentJSON(long), long);
});

test("a value is written as JSON.stringify does, with the texts in it as they are", () => {
  const value = { a: [1, "\ud800", null, { b: undefined, c: false }], model: undefined, "é": 1.5 };
  assert.equal(encodeJSON(value), JSON.stringify(value));
  assert.equal(encodeJSON({ arguments: new JSONText('{"n": 1.50}') }), '{"arguments":{"n": 1.50}}');
});

test("what cannot be seen is shown as an escape, and the value stays the same", () => {
  const text = JSON.stringify({ note: "a\u202eb\u200bc\ufeff", é: "ü 🙂" });
  assert.equal(showInvisible(text), '{"note":"a\\u202eb\\u200bc\\ufeff","é":"ü 🙂"}');
  assert.deepEqual(JSON.parse(showInvisible(text)), JSON.parse(text));
});
