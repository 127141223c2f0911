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

const html = (code) => status(code, "<h1>Sign in</h1>", { "Content-Type": "text/html" });
const REFUSALS = {
  "a login's page": html(200),
  "a login's JSON": status(200, '{"login":"/sign-in"}', { "Content-Type": "application/json" }),
  "a gateway's 401": html(401),
  "a firewall's 403": html(403),
  "our 403": errorResponse(403, "forbidden"),
  "a 409": errorResponse(409, "conflict"),
  "a 418": html(418),
  "a gateway's 429": errorResponse(429, "throttled"),
  "a 500": html(500),
  "our 500": errorResponse(500, "internal"),
  "a 502 with a provider's code": errorResponse(502, "upstream_unreachable"),
  "a 503 with a gateway's code": errorResponse(503, "no_healthy_upstream"),
  "a 522": html(522),
  "a 529": errorResponse(529, "upstream_overloaded"),
  "another form of JSON": status(503, '{"message":"Service Unavailable"}', { "Content-Type": "application/json" }),
};

for (const [name, refusal] of Object.entries(REFUSALS)) {
  test(`an answer that has begun goes on after ${name}, and may be resumed where that does not pass`, async () => {
    const passing = await heard(server(stream(FRAMES.slice(0, 3)), refusal, refusal, rest));
    assert.equal(passing.text, TEXT);
    assert.equal(passing.types.at(-1), "done");
    const { events, waits } = await heard(server(stream(FRAMES.slice(0, 3)), refusal));
    assert.deepEqual([events.at(-1).type, events.at(-1).isResumable], ["error", true]);
    assert.ok(waits.length > 5);
  });
}

test("a question that may have arrived is sent again past a gateway, with the same id", async () => {
  for (const refusal of [html(200), html(502), html(504), html(522)]) {
    const there = server(lost, refusal, rest);
    assert.equal((await heard(there)).text, TEXT);
    assert.deepEqual(there.requests[0], there.requests[2]);
  }
});

test("a question that a gateway refuses after it may have sent it on keeps its id for the next try", async () => {
  for (const code of [500, 502, 504, 522]) assert.equal((await heard(server(html(code)))).events.at(-1).isResumable, true);
  for (const code of [401, 403, 404]) assert.equal((await heard(server(html(code)))).events.at(-1).isResumable, undefined);
});

test("a failure has the code, the status and the wait of its refusal", async () => {
  const { events } = await heard(server(errorResponse(429, "rate_limited", { "Retry-After": "7" })));
  const { code, status: number, retryAfterSeconds } = events.at(-1);
  assert.deepEqual([code, number, retryAfterSeconds], ["rate_limited", 429, 7]);
});

test("where the cursor is lost on the way, what is sent again is dropped, and the cursor then goes another way", async () => {
  for (let cut = 1; cut < FRAMES.length; cut++) {
    const fromTheStart = () => stream([Buffer.concat(FRAMES.slice(0, cut + 1))], lost)();
    const there = server(stream(FRAMES.slice(0, cut), lost), fromTheStart, () => rest({ cursor: 0 }));
    const { text, types } = await heard(there);
    assert.equal(text, TEXT, `cut after ${cut} frames`);
    assert.equal(types.filter((type) => type === "start").length, 1);
    const urls = there.requests.slice(1).map(({ url }) => url);
    assert.deepEqual(urls, [`/api/streams/${ID}`, `/api/streams/${ID}?last_event_id=${cut + 1}${MARK}`].slice(0, urls.length));
  }
});

test("numbers without a mark are compared as well", async () => {
  const plain = FRAMES.map((frame) => bytes(new TextDecoder().decode(frame).replace(MARK, "")));
  const { text } = await heard(server(stream(plain.slice(0, 4), lost), stream(plain)));
  assert.equal(text, TEXT);
});

test("a frame without a number is dropped among those that are sent again, and heard after them", async () => {
  const end = 'event: end\ndata: {"finish_reason":"length"}\n\n';
  const whole = [...FRAMES.slice(0, -1), bytes(end), FRAMES.at(-1)];
  for (const replay of [whole, whole.slice(-2)]) {
    const { types } = await heard(server(stream(whole.slice(0, -1), lost), stream(replay)));
    assert.deepEqual(types.slice(-2), ["end", "done"]);
  }
});

test("nothing of another answer is shown that a server without the cursor sends in the place of this one", async () => {
  const other = FRAMES.map((frame) => bytes(new TextDecoder().decode(frame).replace(MARK, "-00000000")));
  const { text, events } = await heard(server(stream(FRAMES.slice(0, 3)), stream(other)));
  assert.equal(text, [...TEXT].slice(0, 2).join(""));
  assert.equal(events.at(-1).code, "gone");
});

test("an end is heard whatever its number", async () => {
  const failed = [bytes(`id: 1${MARK}\nevent: error\ndata: {"code":"worker_lost","message":"Lost."}\n\n`)];
  assert.equal((await heard(server(stream(FRAMES.slice(0, 3)), stream(failed)))).events.at(-1).code, "worker_lost");
});

/** A request whose response never begins. */
const headless = ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a resumption whose response does not begin is left for another connection, without a further wait", async () => {
  const there = server(stream(FRAMES.slice(0, 3)), headless, headless, headless, rest);
  const { text, waits } = await heard(there, { headTimeoutMs: 10 });
  assert.equal(text, TEXT);
  assert.deepEqual(waits, [250, 250, 250, 250]);
});

/** Let time pass until `promise` is settled; return how many milliseconds that took. */
async function passTime(timers, promise, stepMs = 100) {
  let isSettled = false;
  promise.finally(() => void (isSettled = true));
  for (let passed = 0; ; passed += stepMs) {
    for (let turn = 0; turn < 20; turn++) await null;
    await new Promise((resolve) => setImmediate(resolve));
    if (isSettled) return passed;
    timers.tick(stepMs);
  }
}

test("connections that were lost in a sleep are left one after the other within half a minute", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const there = server(stream(FRAMES.slice(0, 3)), headless, headless, headless, headless, headless, rest);
  const answer = heard(there);
  assert.ok((await passTime(context.mock.timers, answer)) <= 29_000);
  assert.equal((await answer).text, TEXT);
});

test("a question whose response does not begin is sent again with its id, long after the first heartbeat", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const there = server(headless, rest);
  const answer = heard(there);
  const passed = await passTime(context.mock.timers, answer);
  assert.ok(passed >= 30_000 && passed < 35_000, `${passed} ms`);
  assert.equal((await answer).text, TEXT);
  assert.deepEqual(there.requests[0], there.requests[1]);
});

test("a long question is given the time that it takes to send", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const answer = heard(server(headless, rest), { given: { body: { messages: ["x".repeat(1_600_000)] } } });
  assert.ok((await passTime(context.mock.timers, answer, 1000)) >= 130_000);
});

test("a question that the browser cannot send is a failure at once, and no server that is away", async () => {
  const there = server(rest);
  const circle = {};
  circle.self = circle;
  for (const options of [{ headers: () => ({ Authorization: "Bearer \u200bkey" }) }, { given: { body: circle } }]) {
    const { events } = await heard(there, options);
    assert.deepEqual(events.map(({ code }) => code), ["unsendable"]);
  }
  assert.equal(there.requests.length, 0);
});

test("a stop while the body of a refusal stalls is a stop", async () => {
  for (const before of [[], [stream(FRAMES.slice(0, 2))]]) {
    const control = new AbortController();
    const refusal = ({ signal }) => {
      queueMicrotask(() => control.abort());
      const body = new ReadableStream({ start: (controller) => signal.addEventListener("abort", () => controller.error(signal.reason)) });
      return new Response(body, { status: 503, headers: { "Content-Type": "application/json" } });
    };
    const { types } = await heard(server(...before, refusal), { signal: control.signal });
    assert.equal(types.at(-1), "stopped");
  }
});

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
