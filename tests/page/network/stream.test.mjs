/** The reader of the native protocol on one connection: any cut, every ending, and every kind of refusal. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { errorFromResponse, parseRetryAfter, readEvents } from "../../../flask_headrace/static/network/stream.js";
import { bodyOf, bytes } from "./wire.mjs";

const WIRE = [
  ": keep-alive\n\n",
  'event: start\ndata: {"id":"7f","model":"local/smollm2","provider":"local"}\n\n',
  'data: {"delta":"Grüße, 👩‍🚀 "}\n\n',
  'event: reasoning\ndata: {"delta":"hm"}\n\n',
  'event: reasoning\ndata: {"signature":"c2ln","is_redacted":false}\n\n',
  'event: tool\ndata: {"call":0,"delta":"{"}\n\n',
  'event: partial\ndata: {"ops":[]}\n\n',
  ': keep-alive\n\ndata: {"delta":"\\n日本語"}\n\n',
  'event: reasoning_state\ndata: {"reasoning_state":"r1.e30="}\n\n',
  'event: usage\ndata: {"input_tokens":9,"output_tokens":2,"cost":null}\n\n',
  'event: end\ndata: {"finish_reason":"length"}\n\n',
  "data: [DONE]\n\n",
].join("");

const EVENTS = [
  { type: "start", id: "7f", model: "local/smollm2", provider: "local" },
  { type: "delta", text: "Grüße, 👩‍🚀 " },
  { type: "reasoning", text: "hm" },
  { type: "tool", call: 0, delta: "{" },
  { type: "delta", text: "\n日本語" },
  { type: "reasoning_state", reasoning_state: "r1.e30=" },
  { type: "usage", input_tokens: 9, output_tokens: 2, cost: null },
  { type: "end", finish_reason: "length" },
  { type: "done" },
];

async function heard(chunks, error) {
  const events = [];
  for await (const event of readEvents(bodyOf(chunks, error))) events.push(event);
  return events;
}

test("a stream cut at every byte gives the same events, also inside of a character", async () => {
  const whole = bytes(WIRE);
  for (let cut = 0; cut <= whole.length; cut++) {
    assert.deepEqual(await heard([whole.slice(0, cut), whole.slice(cut)]), EVENTS, `cut at byte ${cut}`);
  }
});

test("a stream that comes byte by byte gives the same events", async () => {
  assert.deepEqual(await heard([...bytes(WIRE)].map((byte) => Uint8Array.of(byte))), EVENTS);
});

test("the cursor of an event is its frame's number, wherever the frames are cut", async () => {
  const wire = bytes('id: 1-3f9a0c1e\nevent: start\ndata: {"id":"7f"}\n\nid: 2-3f9a0c1e\ndata: {"delta":"ü"}\n\n: keep-alive\n\nid: 3\ndata: [DONE]\n\n');
  const numbered = [
    { type: "start", id: "7f", cursor: "1-3f9a0c1e" },
    { type: "delta", text: "ü", cursor: "2-3f9a0c1e" },
    { type: "done", cursor: "3" },
  ];
  for (let cut = 0; cut <= wire.length; cut++) {
    assert.deepEqual(await heard([wire.slice(0, cut), wire.slice(cut)]), numbered, `cut at byte ${cut}`);
  }
});

test("a frame of a tool that has a value brings its text along, with all digits", async () => {
  const frame = (data) => `event: tool\ndata: ${data}\n\n`;
  const values = ['{"call":0,"arguments":{"n":1.50}}', '{"call":0,"progress":null}', '{"id":"c1","result":9007199254740993}'];
  const others = ['{"call":0,"id":"c1","name":"find","runs_here":true}', '{"call":0,"error":"result"}', '{"call":0,"approval":"a"}'];
  const events = await heard([...values, ...others].map(frame));
  assert.deepEqual(events.map(({ type, json }) => [type, json]), [...values.map((text) => ["tool", text]), ...others.map(() => ["tool", undefined])]);
  assert.deepEqual(await heard(["event: step\ndata: {}\n\n"]), [{ type: "step" }]);
});

test("a stream without an ending brings none, and no frame that is not complete", async () => {
  for (const [wire, types] of [
    ['data: {"delta":"a"}\n\n', ["delta"]],
    ['data: {"delta":"a"}\n\ndata: [DONE]\n', ["delta"]],
    ["", []],
  ]) {
    assert.deepEqual((await heard([wire])).map(({ type }) => type), types);
  }
});

test("what came before a connection broke is heard, and then the break", async () => {
  const events = readEvents(bodyOf(['data: {"delta":"a"}\n\n'], new TypeError("network error")));
  assert.equal((await events.next()).value.text, "a");
  await assert.rejects(events.next(), TypeError);
});

test("an error in the stream ends it, and what follows is not read", async () => {
  const wire = 'data: {"delta":"a"}\n\nevent: error\ndata: {"code":"stall","message":"Too slow.","retryable":true}\n\ndata: [DONE]\n\n';
  assert.deepEqual((await heard([wire])).slice(1), [
    { type: "error", code: "stall", message: "Too slow.", retryable: true, retryAfterSeconds: null },
  ]);
});

test("an answer that was cancelled elsewhere says why", async () => {
  assert.deepEqual(await heard(['event: cancelled\ndata: {"reason":"shutdown"}\n\n']), [{ type: "cancelled", reason: "shutdown" }]);
});

test("what is no JSON is thrown", async () => {
  await assert.rejects(heard(["data: {oops\n\n"]), SyntaxError);
});

test("an event stream is no refusal", async () => {
  const headers = { "Content-Type": "text/event-stream; charset=utf-8" };
  assert.equal(await errorFromResponse(new Response("", { headers })), null);
});

test("a refusal is told with its reason, its status and its wait", async () => {
  const headers = { "Content-Type": "application/json", "Retry-After": "7" };
  const body = JSON.stringify({ error: { code: "rate_limited", message: "Wait a little." } });
  const told = { type: "error", code: "rate_limited", message: "Wait a little.", retryable: true, retryAfterSeconds: 7, status: 429 };
  assert.deepEqual(await errorFromResponse(new Response(body, { status: 429, headers })), told);
});

test("a refusal without JSON is told by its status", async () => {
  const refused = await errorFromResponse(new Response("<h1>Bad Gateway</h1>", { status: 502, headers: { "Content-Type": "text/html" } }));
  assert.equal(refused.code, "http_502");
  assert.match(refused.message, /502/);
});

for (const [name, text, code] of [
  ["another form", '{"message":"Forbidden"}', "http_403"],
  ["a text as its error", '{"error":"Forbidden"}', "http_403"],
  ["a number as its code", '{"error":{"code":403,"message":"No entry."}}', "http_403"],
  ["no object", "[]", "http_403"],
  ["nothing", "null", "http_403"],
  ["no code", '{"error":{"message":"No entry."}}', "http_403"],
  ["a problem's form", '{"title":"Forbidden"}', "http_403"],
]) {
  test(`a gateway's JSON with ${name} is told by texts, and else by its status`, async () => {
    for (const type of ["application/json; charset=utf-8", "application/problem+json"]) {
      const refused = await errorFromResponse(new Response(text, { status: 403, headers: { "Content-Type": type } }));
      assert.equal(refused.code, code);
      assert.equal(refused.message, text.includes("No entry.") ? "No entry." : "The server refused with status 403.");
    }
  });
}

/** A body that brings `first` and then nothing, and what has become of it. */
function stalled(first) {
  const state = { isCancelled: false };
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(bytes(first)),
    cancel: () => void (state.isCancelled = true),
  });
  return { body, state };
}

const JSON_TYPE = { "Content-Type": "application/json" };

test("the body of a refusal that stalls is waited for briefly, and frees its connection", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { body, state } = stalled('{"error":');
  const refused = errorFromResponse(new Response(body, { status: 503, headers: JSON_TYPE }));
  context.mock.timers.tick(3001);
  assert.equal((await refused).code, "http_503");
  assert.ok(state.isCancelled);
});

test("the body of a refusal that stalls is left at once when the reader stops", async () => {
  const control = new AbortController();
  const { body, state } = stalled('{"error":');
  const refused = errorFromResponse(new Response(body, { status: 503, headers: JSON_TYPE }), control.signal);
  control.abort();
  assert.equal((await refused).code, "http_503");
  assert.ok(state.isCancelled);
});

test("of the body of a refusal that never ends a part is read", async () => {
  let pulled = 0;
  const body = new ReadableStream({ pull: (controller) => void (pulled++, controller.enqueue(new Uint8Array(4096))) });
  assert.equal((await errorFromResponse(new Response(body, { status: 500, headers: JSON_TYPE }))).code, "http_500");
  assert.ok(pulled < 40, `${pulled} chunks of 4 KiB`);
});

for (const last of ["data: [DONE]\n\n", 'event: error\ndata: {"code":"stall","message":"Slow."}\n\n', 'event: cancelled\ndata: {"reason":"stopped"}\n\n']) {
  test(`a body that does not end after ${JSON.stringify(last.slice(0, 12))} is cancelled, also where no further event is asked for`, async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { body, state } = stalled(last);
    await readEvents(body).next();
    context.mock.timers.tick(900);
    assert.ok(!state.isCancelled, "the server may be about to end it");
    context.mock.timers.tick(200);
    assert.ok(state.isCancelled);
  });
}

test("a frame of JSON that is no object is thrown", async () => {
  for (const frame of ["data: null\n\n", "data: 5\n\n", "event: tool\ndata: null\n\n", "event: error\ndata: null\n\n"]) {
    await assert.rejects(heard([frame]), SyntaxError);
  }
});

test("a date in Retry-After counts from the server's own clock, which may differ from this one's", async () => {
  const headers = { Date: "Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT" };
  assert.equal((await errorFromResponse(new Response("", { status: 503, headers }))).retryAfterSeconds, 9);
});

test("a page instead of a stream is a refusal", async () => {
  const page = new Response("<h1>Sign in</h1>", { headers: { "Content-Type": "text/html" } });
  assert.equal((await errorFromResponse(page)).code, "not_a_stream");
});

test("Retry-After is a number of seconds or a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(parseRetryAfter("12", now), 12);
  assert.equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now), 30);
  for (const none of [null, "", "soon", "0", "Wed, 31 Dec 2025 00:00:00 GMT"]) assert.equal(parseRetryAfter(none, now), null);
});
