/** The decoder of Server-Sent Events: any line end, any cut, and lines that never end. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SSEDecoder } from "../../../flask_headrace/static/network/sse-decoder.js";
import { effortOf } from "../effort.mjs";
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

test("many frames in one read take work in proportion to their number", () => {
  const [few, many] = [1_000, 4_000].map((frames) => {
    const wire = bytes('data: {"delta":"x"}\n\n'.repeat(frames));
    return effortOf(() => assert.equal(new SSEDecoder().feed(wire).length, frames));
  });
  assert.ok(many < 5 * few, `${(many / few).toFixed(1)} times for four times the frames: ${few}, then ${many}`);
});

test("one line in many small reads takes work in proportion to its length", () => {
  const [few, many] = [1_000, 4_000].map((reads) => {
    const decoder = new SSEDecoder();
    return effortOf(() => {
      for (let read = 0; read < reads; read++) decoder.feed(bytes("data: xx"));
    });
  });
  assert.ok(many < 5 * few, `${(many / few).toFixed(1)} times for four times the reads: ${few}, then ${many}`);
});

test("a frame's number is its own: it is not carried over, and one with a NUL is none", () => {
  const ids = new SSEDecoder().feed(bytes("id: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\n")).map(({ id }) => id);
  assert.deepEqual(ids, ["7", null, null]);
});
