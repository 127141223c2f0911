/** Whole JSON texts, with all digits of their numbers. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { losesDigits, parseExactJSON } from "../../../flask_headrace/static/json/exact-json.js";
import { ExactNumber } from "../../../flask_headrace/static/json/exact-number.js";
import { encodeJSON } from "../../../flask_headrace/static/json/json-text.js";
import { JSONDocument } from "../../../flask_headrace/static/json/partial-json.js";

const NUMBERS = ["9007199254740993", "-9007199254740993", "1e400", "0.10000000000000000001", "1.50", "-0", "1E5", "123456789012345678901234567890"];

test("a number that JavaScript would write with other digits keeps its own, wherever it stands", () => {
  for (const digits of NUMBERS) {
    for (const text of [digits, `[${digits}]`, `{"a":${digits}}`, `{"enum":[1,${digits},"${digits}",{"const":${digits}}],"b":[[],{}]}`]) {
      assert.equal(losesDigits(text), true, text);
      assert.equal(encodeJSON(parseExactJSON(text)), text);
    }
  }
});

test("whatever has no such number is what JSON.parse returns", () => {
  for (const text of ["1", '"9007199254740993"', '{"a":[1.5,true,null,"1.50"]}', " [ ] ", '{"a":1,"a":2}']) {
    assert.equal(losesDigits(text), false, text);
    assert.deepEqual(parseExactJSON(text), JSON.parse(text));
  }
});

test("keys are only keys, and the last of two counts", () => {
  const found = parseExactJSON('{"__proto__": 1.0, "a": 2, "\\u0061": [1.0], "": {"length": 1.0}}');
  assert.deepEqual(Object.keys(found), ["__proto__", "a", ""]);
  assert.deepEqual(found.a, [new ExactNumber("1.0")]);
  assert.equal(Object.getPrototypeOf(found), Object.prototype);
});

test("what is no JSON is refused", () => {
  for (const text of ["", "1.", "01", "{", "[1,]", '{"a" 1.0}', "1.0 2.0", "nul"]) assert.throws(() => parseExactJSON(text), SyntaxError, text);
});

test("patches of a frame build a document with all digits", () => {
  const data = '{"ops":[{"op":"add","path":"","value":{}},{"op":"add","path":"/a","value":9007199254740993},{"op":"add","path":"/b","value":[1.50]}]}';
  const document = new JSONDocument();
  assert.equal(encodeJSON(document.apply(parseExactJSON(data).ops)), '{"a":9007199254740993,"b":[1.50]}');
});
