/** The reader of the native protocol: any cut, every ending, and one terminal event always. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameReader, ask, secondsOf } from "../../static/stream.js";

const bytes = (text) => new TextEncoder().encode(text);

const WIRE = [
  ": keep-alive\n\n",
  'event: start\ndata: {"id":"7f","model":"local/smollm2","provider":"local"}\n\n',
  'data: {"delta":"Grüße, 👩‍🚀 "}\n\n',
  'event: reasoning\ndata: {"delta":"hm"}\n\n',
  'event: partial\ndata: {"ops":[]}\n\n',
  ': keep-alive\n\ndata: {"delta":"\\n日本語"}\n\n',
  'event: usage\ndata: {"input_tokens":9,"output_tokens":2,"cost":null}\n\n',
  "data: [DONE]\n\n",
].join("");

const EVENTS = [
  { type: "start", id: "7f", model: "local/smollm2", provider: "local" },
  { type: "delta", text: "Grüße, 👩‍🚀 " },
  { type: "reasoning", text: "hm" },
  { type: "delta", text: "\n日本語" },
  { type: "usage", input_tokens: 9, output_tokens: 2, cost: null },
  { type: "done" },
];

/** Answer like a server that sends these chunks, then ends, or breaks with `error`. */
function server(chunks, { status = 200, headers = { "Content-Type": "text/event-stream; charset=utf-8" }, error } = {}) {
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === "string" ? bytes(chunk) : chunk);
      if (error) controller.error(error);
      else controller.close();
    },
  });
  return async () => new Response(body, { status, headers });
}

async function heard(fetch, signal = new AbortController().signal) {
  const events = [];
  for await (const event of ask("/api/chat", {}, { signal, fetch })) events.push(event);
  return events;
}

test("a stream cut at every byte gives the same events, also inside of a character", async () => {
  const whole = bytes(WIRE);
  for (let cut = 0; cut <= whole.length; cut++) {
    assert.deepEqual(await heard(server([whole.slice(0, cut), whole.slice(cut)])), EVENTS, `cut at byte ${cut}`);
  }
});

test("a stream that comes byte by byte gives the same events", async () => {
  assert.deepEqual(await heard(server([...bytes(WIRE)].map((byte) => Uint8Array.of(byte)))), EVENTS);
});

for (const [name, end] of [["CRLF", "\r\n"], ["CR", "\r"]]) {
  test(`lines that end with ${name} are read, wherever they are cut`, () => {
    const wire = bytes(WIRE.replaceAll("\n", end));
    const expected = new FrameReader().feed(bytes(WIRE));
    for (let cut = 0; cut <= wire.length; cut++) {
      const reader = new FrameReader();
      assert.deepEqual([...reader.feed(wire.slice(0, cut)), ...reader.feed(wire.slice(cut))], expected);
    }
  });
}

test("fields are read as the standard has them", () => {
  const read = (text) => new FrameReader().feed(bytes(text));
  assert.deepEqual(read("\ufeffdata:a\ndata:  b\ndata\n\n"), [{ event: "message", data: "a\n b\n" }]);
  assert.deepEqual(read("event: x\n\ndata: a\n\n"), [{ event: "message", data: "a" }]);
  assert.deepEqual(read("id: 1\nretry: 5\nother\n:c\ndata: a\n\n"), [{ event: "message", data: "a" }]);
  assert.deepEqual(read("data: never ended\n"), []);
});

test("after a reset nothing is left of the stream before", () => {
  const reader = new FrameReader();
  reader.feed(bytes('event: error\ndata: {"co').slice(0, 20));
  reader.reset();
  assert.deepEqual(reader.feed(bytes("data: a\n\n")), [{ event: "message", data: "a" }]);
});

test("a line or a frame that never ends does not fill the memory", () => {
  assert.throws(() => new FrameReader(100).feed(bytes(`data: ${"x".repeat(200)}`)), RangeError);
  assert.throws(() => new FrameReader(100).feed(bytes("data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(9))), RangeError);
});

test("ten thousand frames in one read take no longer than they should", () => {
  const started = performance.now();
  assert.equal(new FrameReader().feed(bytes('data: {"delta":"x"}\n\n'.repeat(10_000))).length, 10_000);
  assert.ok(performance.now() - started < 500);
});

test("a stream without an ending is a failure, never an answer", async () => {
  for (const wire of ['data: {"delta":"a"}\n\n', 'data: {"delta":"a"}\n\ndata: [DONE]\n', ""]) {
    assert.equal((await heard(server([wire]))).at(-1).code, "cut");
  }
});

test("a connection that breaks is a failure", async () => {
  const events = await heard(server(['data: {"delta":"a"}\n\n'], { error: new TypeError("network error") }));
  assert.equal(events.at(-1).code, "cut");
});

test("a server that cannot be reached is a failure", async () => {
  const events = await heard(async () => { throw new TypeError("Failed to fetch"); });
  assert.deepEqual(events.map(({ type, code }) => [type, code]), [["error", "unreachable"]]);
});

test("an error in the stream ends it, and what follows is not read", async () => {
  const wire = 'data: {"delta":"a"}\n\nevent: error\ndata: {"code":"stall","message":"Too slow.","retryable":true}\n\ndata: [DONE]\n\n';
  assert.deepEqual((await heard(server([wire]))).slice(1), [
    { type: "error", code: "stall", message: "Too slow.", retryable: true, wait: null },
  ]);
});

test("an answer that was cancelled elsewhere says why", async () => {
  const events = await heard(server(['event: cancelled\ndata: {"reason":"shutdown"}\n\n']));
  assert.deepEqual(events, [{ type: "cancelled", reason: "shutdown" }]);
});

test("what is no JSON is a failure", async () => {
  assert.equal((await heard(server(["data: {oops\n\n"]))).at(-1).code, "malformed");
});

test("a refusal before the first byte is told with its reason and its wait", async () => {
  const headers = { "Content-Type": "application/json", "Retry-After": "7" };
  const body = JSON.stringify({ error: { code: "rate_limited", message: "Wait a little." } });
  assert.deepEqual(await heard(server([body], { status: 429, headers })), [
    { type: "error", code: "rate_limited", message: "Wait a little.", retryable: true, wait: 7 },
  ]);
});

test("a refusal without JSON is told by its status", async () => {
  const events = await heard(server(["<h1>Bad Gateway</h1>"], { status: 502, headers: { "Content-Type": "text/html" } }));
  assert.equal(events[0].code, "http_502");
  assert.match(events[0].message, /502/);
});

test("a page instead of a stream is a failure", async () => {
  const events = await heard(server(["<h1>Sign in</h1>"], { headers: { "Content-Type": "text/html" } }));
  assert.equal(events[0].code, "not_a_stream");
});

test("an abort ends the events with `stopped`, whenever it comes", async () => {
  const control = new AbortController();
  const fetch = async (_url, { signal }) =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(bytes('data: {"delta":"a"}\n\n'));
          signal.addEventListener("abort", () => controller.error(signal.reason));
        },
      }),
      { headers: { "Content-Type": "text/event-stream" } },
    );
  const types = [];
  for await (const { type } of ask("/", {}, { signal: control.signal, fetch })) {
    types.push(type);
    control.abort();
  }
  assert.deepEqual(types, ["delta", "stopped"]);
});

test("Retry-After is a number of seconds or a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(secondsOf("12", now), 12);
  assert.equal(secondsOf("Thu, 01 Jan 2026 00:00:30 GMT", now), 30);
  for (const none of [null, "", "soon", "0", "Wed, 31 Dec 2025 00:00:00 GMT"]) assert.equal(secondsOf(none, now), null);
});
