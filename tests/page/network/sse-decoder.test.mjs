/** The decoder of Server-Sent Events: any line end, any cut, and lines that never end. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SSEDecoder } from "../../../flask_headrace/static/network/sse-decoder.js";
import { worked } from "../worked.mjs";
import { bytes } from "./wire.mjs";

const WIRE = ': keep-alive\n\nevent: start\ndata: {"id":"7f"}\n\n: keep-alive\n\ndata: a\ndata: 日本語\n\ndata: [DONE]\n\n';

for (const [name, end] of [["CRLF", "\r\n"], ["CR", "\r"]]) {
  test(`lines that end with ${name} are read, wherever they are cut`, () => {
    const wire = bytes(WIRE.replaceAll("\n", end));
    const expected = new SSEDecoder().feed(bytes(WIRE));
    for (let cut = 0; cut <= wire.length; cut++) {
      const reader = new SSEDecoder();
      assert.deepEqual([...reader.feed(wire.slice(0, cut)), ...reader.feed(wire.slice(cut))], expected);
    }
  });
}

test("fields are read as the standard has them", () => {
  const read = (text) => new SSEDecoder().feed(bytes(text));
  assert.deepEqual(read("\ufeffdata:a\ndata:  b\ndata\n\n"), [{ event: "message", data: "a\n b\n", id: null }]);
  assert.deepEqual(read("event: x\n\ndata: a\n\n"), [{ event: "message", data: "a", id: null }]);
  assert.deepEqual(read("id: 1\nretry: 5\nother\n:c\ndata: a\n\n"), [{ event: "message", data: "a", id: "1" }]);
  assert.deepEqual(read("data: never ended\n"), []);
});

test("after a reset nothing is left of the stream before", () => {
  const reader = new SSEDecoder();
  reader.feed(bytes('event: error\ndata: {"co').slice(0, 20));
  reader.reset();
  assert.deepEqual(reader.feed(bytes("data: a\n\n")), [{ event: "message", data: "a", id: null }]);
});

test("a line or a frame that never ends does not fill the memory", () => {
  assert.throws(() => new SSEDecoder(100).feed(bytes(`data: ${"x".repeat(200)}`)), RangeError);
  assert.throws(() => new SSEDecoder(100).feed(bytes("data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(9))), RangeError);
});

test("ten thousand frames in one read take no longer than they should", () => {
  const started = worked();
  assert.equal(new SSEDecoder().feed(bytes('data: {"delta":"x"}\n\n'.repeat(10_000))).length, 10_000);
  assert.ok(worked() - started < 500);
});

test("a frame's number is its own: it is not carried over, and one with a NUL is none", () => {
  const ids = new SSEDecoder().feed(bytes("id: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\n")).map(({ id }) => id);
  assert.deepEqual(ids, ["7", null, null]);
});
