/** One answer over many connections: nothing is lost, nothing doubled, and there is an end to trying. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../../flask_headrace/static/network/backoff.js";
import { streamAnswer } from "../../../flask_headrace/static/network/resumable-connection.js";
import { bodyOf, bytes } from "./wire.mjs";

const STREAM = { "Content-Type": "text/event-stream" };
const ID = "0123456789abcdef0123456789abcdef";
const MARK = "-3f9a0c1e";
const TEXT = "Grüße, 👩‍🚀 und 日本語";
const FRAMES = ['event: start\ndata: {"id":"7f","model":"a/b"}\n\n', ...[...TEXT].map((delta) => `data: ${JSON.stringify({ delta })}\n\n`), "data: [DONE]\n\n"]
  .map((frame, index) => bytes(`id: ${index + 1}${MARK}\n${frame}`));
const WIRE = Buffer.concat(FRAMES);

/** Answer the n-th request with the n-th of `answers`, each a function of the request or an error; the last one repeats. */
function server(...answers) {
  const requests = [];
  const fetch = async (url, { method = "GET", headers, body, signal }) => {
    requests.push({ url, method, cursor: headers["Last-Event-ID"], body: body && JSON.parse(body) });
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer instanceof Error) throw answer;
    return answer({ cursor: Number.parseInt(headers["Last-Event-ID"] ?? 0, 10), signal });
  };
  return { requests, fetch };
}

const lost = new TypeError("Failed to fetch");
const stream = (chunks, error) => () => new Response(bodyOf(chunks, error), { headers: STREAM });
const status = (code, body = "", headers = {}) => () => new Response(body || null, { status: code, headers });
const errorResponse = (code, name, headers = {}) => status(code, JSON.stringify({ error: { code: name, message: name } }), { "Content-Type": "application/json", ...headers });
const rest = ({ cursor }) => stream([Buffer.concat(FRAMES.slice(cursor))])();

/** Take the events of an answer; `waits` are what was waited between connections, on a clock that only waiting moves. */
async function heard({ fetch }, { given = {}, signal, ...options } = {}) {
  const events = [];
  const waits = [];
  let moment = 0;
  const backoff = new Backoff({ now: () => moment, random: () => 1 });
  const wait = async (milliseconds) => {
    waits.push(milliseconds);
    moment += milliseconds;
  };
  for await (const event of streamAnswer({ id: ID, body: { messages: [] }, ...given }, { api: "/api", signal, fetch, wait, backoff, ...options })) events.push(event);
  return { events, waits, types: events.map(({ type }) => type), text: events.map(({ text }) => text ?? "").join("") };
}

test("an answer on one connection is asked for once, resumable and with its id", async () => {
  const there = server(rest);
  const { text, types } = await heard(there);
  assert.equal(text, TEXT);
  assert.deepEqual([types[0], types.at(-1)], ["accepted", "done"]);
  assert.deepEqual(there.requests, [{ url: "/api/chat", method: "POST", cursor: undefined, body: { messages: [], resumable: true, id: ID } }]);
});

test("the body is written as the page wants it", async () => {
  const there = server(rest);
  await heard(there, { encode: (body) => JSON.stringify({ ...body, model: "a/b" }) });
  assert.deepEqual(there.requests[0].body, { messages: [], resumable: true, id: ID, model: "a/b" });
});

test("a question goes to a view of the application, and what is left of its answer comes from the extension", async () => {
  const there = server(stream(FRAMES.slice(0, 2), lost), rest);
  const { text } = await heard(there, { url: "/support/7", given: { body: { question: "Why?" } } });
  assert.equal(text, TEXT);
  assert.deepEqual(there.requests[0], { url: "/support/7", method: "POST", cursor: undefined, body: { question: "Why?", resumable: true, id: ID } });
  assert.equal(there.requests[1].url, `/api/streams/${ID}`);
});

test("who gives no `wait` waits by the clock where there is no page", async () => {
  const there = server(stream(FRAMES.slice(0, 2), lost), lost, rest);
  const started = performance.now();
  const { text } = await heard(there, { wait: undefined, backoff: new Backoff({ initialDelayMs: 10, random: () => 1 }) });
  assert.equal(text, TEXT);
  assert.ok(performance.now() - started >= 29, "10 ms and 20 ms, as timers round them");
});

for (const [how, error] of [["ends", undefined], ["breaks", lost]]) {
  test(`a connection that ${how} at any byte loses nothing and doubles nothing`, async () => {
    for (let cut = 0; cut < WIRE.length; cut++) {
      const there = server(stream([WIRE.subarray(0, cut)], error), rest);
      const { text, types } = await heard(there);
      assert.equal(text, TEXT, `cut at byte ${cut}`);
      assert.equal(types.filter((type) => type === "start").length, 1, `cut at byte ${cut}`);
      const whole = FRAMES.findIndex((_, index) => Buffer.concat(FRAMES.slice(0, index + 1)).length > cut);
      assert.deepEqual(there.requests[1], { url: `/api/streams/${ID}`, method: "GET", cursor: whole ? whole + MARK : "0", body: undefined });
    }
  });
}

test("an answer that is cut after each of its frames is whole in the end", async () => {
  const one = ({ cursor }) => stream([FRAMES[cursor]], lost)();
  const { text, waits, types } = await heard(server(one));
  assert.equal(text, TEXT);
  assert.ok(waits.every((wait) => wait === 250), "each connection that brought something is a success");
  assert.equal(types.filter((type) => type === "disconnected").length, FRAMES.length - 1);
});

test("what was taken before the page was loaded again is not sent for again", async () => {
  const there = server(rest);
  const { text } = await heard(there, { given: { isAccepted: true, cursor: 3 } });
  assert.equal(text, [...TEXT].slice(2).join(""));
  assert.deepEqual(there.requests.map(({ method, cursor }) => [method, cursor]), [["GET", "3"]]);
});

test("the position in a stream is given back as it came, mark and all", async () => {
  const there = server(rest);
  await heard(there, { given: { isAccepted: true, cursor: `3${MARK}` } });
  assert.equal(there.requests[0].cursor, `3${MARK}`);
});

test("an answer in whose place another one has come is gone, and nothing of the other is shown", async () => {
  const there = server(stream(FRAMES.slice(0, 3)), errorResponse(410, "not_resumable"));
  const { events, text } = await heard(there);
  assert.equal(text, [...TEXT].slice(0, 2).join(""));
  assert.equal(events.at(-1).code, "gone");
  assert.equal(there.requests.length, 2);
});

test("a question whose answer's head was lost is asked again with the same id and body", async () => {
  const there = server(lost, lost, rest);
  const { text, types } = await heard(there);
  assert.equal(text, TEXT);
  assert.deepEqual(types.slice(0, 3), ["disconnected", "accepted", "reconnected"]);
  assert.deepEqual(there.requests[0], there.requests[2]);
});

test("one loss is told once, however many tries it takes", async () => {
  const { types, waits } = await heard(server(stream([FRAMES[0]]), lost, lost, status(502), errorResponse(503, "store_unavailable"), rest));
  assert.equal(types.filter((type) => type === "disconnected").length, 1);
  assert.equal(types.filter((type) => type === "reconnected").length, 1);
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000]);
});

test("a service that is busy is left alone for as long as it asks", async () => {
  const { waits, text } = await heard(server(stream([FRAMES[0]]), errorResponse(503, "store_unavailable", { "Retry-After": "11" }), rest));
  assert.deepEqual(waits, [250, 11_000]);
  assert.equal(text, TEXT);
});

test("trying has an end, after which the answer may still be followed", async () => {
  const { events, waits } = await heard(server(stream([FRAMES[0]]), lost));
  const { type, code, isResumable } = events.at(-1);
  assert.deepEqual([type, code, isResumable], ["error", "cut", true]);
  assert.ok(waits.reduce((sum, wait) => sum + wait) <= 120_000);
});

test("a connection that brings nothing new is no success", async () => {
  const there = server(stream(FRAMES.slice(0, 2)), stream(FRAMES.slice(0, 2)));
  assert.equal((await heard(there)).types.at(-1), "error");
  assert.ok(there.requests.length < 30);
});

test("a server that was never reached is a failure in the end", async () => {
  const { events } = await heard(server(lost));
  assert.equal(events.at(-1).code, "unreachable");
});

for (const [name, answer] of [["unknown", errorResponse(404, "stream_not_found")], ["out of reach", errorResponse(400, "invalid_request")], ["over", status(204)]]) {
  test(`a stream that is ${name} is a failure, and is not asked for again`, async () => {
    const there = server(stream(FRAMES.slice(0, 3)), answer);
    const { events, text } = await heard(there);
    assert.equal(events.at(-1).code, "gone");
    assert.equal(text, [...TEXT].slice(0, 2).join(""));
    assert.equal(there.requests.length, 2);
  });
}

for (const code of [400, 401, 403, 404, 429, 500, 503]) {
  test(`a question that is refused with ${code} is a failure at once`, async () => {
    const there = server(errorResponse(code, "some_reason"));
    const { types, events } = await heard(there);
    assert.deepEqual(types, ["error"]);
    assert.deepEqual([events[0].message, events[0].isResumable], ["some_reason", undefined]);
    assert.equal(there.requests.length, 1);
  });
}

test("a failure of the answer itself is not waited out", async () => {
  const there = server(lost, errorResponse(502, "upstream_unreachable"));
  assert.equal((await heard(there)).events.at(-1).code, "upstream_unreachable");
  assert.equal(there.requests.length, 2);
});

test("a key that is wanted in the middle can be entered, and the answer goes on", async () => {
  const { events } = await heard(server(stream([FRAMES[0]]), errorResponse(401, "unauthorized")));
  assert.deepEqual([events.at(-1).code, events.at(-1).isResumable], ["unauthorized", true]);
});

test("a service that can resume nothing is asked for a plain stream, which is not repeated", async () => {
  const there = server(errorResponse(501, "not_supported"), stream(['data: {"delta":"a"}\n\n'], lost));
  const { types, events } = await heard(there);
  assert.deepEqual(types, ["not_resumable", "delta", "error"]);
  assert.deepEqual(there.requests[1].body, { messages: [] });
  assert.deepEqual([events.at(-1).code, events.at(-1).isResumable], ["cut", false]);
  assert.equal(there.requests.length, 2);
});

test("what cannot be read is a failure after what could", async () => {
  const { events } = await heard(server(stream(["id: 1\ndata: {\"delta\":\"a\"}\n\nid: 2\ndata: {oops\n\n"])));
  assert.deepEqual(events.slice(1).map(({ text, code }) => text ?? code), ["a", "malformed"]);
});

test("a connection on which nothing comes any more is left for another", async () => {
  const silent = ({ signal }) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(FRAMES[0]);
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: STREAM });
  };
  assert.equal((await heard(server(silent, rest), { idleTimeoutMs: 50 })).text, TEXT);
});

for (const moment of ["delta", "disconnected"]) {
  test(`an abort ends the events with \`stopped\`, also when it comes after \`${moment}\``, async () => {
    const control = new AbortController();
    const there = server(({ signal }) => {
      const body = new ReadableStream({
        start(controller) {
          for (const frame of FRAMES.slice(0, 2)) controller.enqueue(frame);
          if (moment === "disconnected") controller.close();
          else signal.addEventListener("abort", () => controller.error(signal.reason));
        },
      });
      return new Response(body, { headers: STREAM });
    });
    const types = [];
    const options = { api: "/api", signal: control.signal, fetch: there.fetch, wait: async () => {} };
    for await (const { type } of streamAnswer({ id: ID, body: {} }, options)) {
      types.push(type);
      if (type === moment) control.abort();
    }
    assert.deepEqual(types.slice(-2), [moment, "stopped"]);
    assert.equal(there.requests.length, 1);
  });
}
