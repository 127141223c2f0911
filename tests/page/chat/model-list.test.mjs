/** The list of models: asked for until it is there, with the last one meanwhile. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelList } from "../../../flask_headrace/static/chat/model-list.js";
import { Backoff } from "../../../flask_headrace/static/network/backoff.js";

const JSON_TYPE = { "Content-Type": "application/json" };
const MODELS = { default: "a/b", models: [{ id: "a/b", name: "b", provider: "a", embedded: false, default: true }] };
const listed = (list = MODELS) => () => new Response(JSON.stringify(list), { headers: JSON_TYPE });
const html = (status) => () => new Response("<h1>Sign in</h1>", { status, headers: { "Content-Type": "text/html" } });
const refused = (status, code, message, headers = {}) => () => new Response(JSON.stringify({ error: { code, message } }), { status, headers: { ...JSON_TYPE, ...headers } });
const lost = () => { throw new TypeError("Failed to fetch"); };
const BEARER = "Send one of this service's keys as 'Authorization: Bearer <key>', or in 'x-api-key'.";

/** A list whose requests are answered in turn, the last answer again and again; `seen` has its states. */
function begin(answers, kept = {}) {
  const storage = new Map(Object.entries(kept));
  const requests = [];
  const waits = [];
  const list = new ModelList({
    url: "/api/models",
    headers: () => ({ "X-Key": "k" }),
    storage: { read: (key) => storage.get(key) ?? null, write: (key, value) => storage.set(key, value) },
    fetch: async (url, options) => {
      requests.push([url, options.headers["X-Key"]]);
      return answers[Math.min(requests.length, answers.length) - 1](options);
    },
    backoff: new Backoff({ initialDelayMs: 1000, maxDelayMs: 60_000, maxElapsedMs: Infinity, random: () => 1 }),
    wait: async (delayMs) => {
      waits.push(delayMs);
      // A list that never comes is waited for for ever.
      if (waits.length > 40) await new Promise(() => {});
    },
  });
  const seen = [];
  list.onChange = () => seen.push(list.state);
  return { list, requests, waits, storage, seen };
}

test("the list is loaded, kept, and told", async () => {
  const { list, requests, storage, seen } = begin([listed()]);
  await list.load();
  assert.deepEqual([list.state, list.default, list.models, list.isKept], ["ready", "a/b", MODELS.models, false]);
  assert.deepEqual(requests, [["/api/models", "k"]]);
  assert.deepEqual(storage.get("models"), MODELS);
  assert.deepEqual(seen, ["loading", "ready"]);
});

for (const [name, answer, code] of [
  ["a network that is away", lost, "unreachable"],
  ["a login's page", html(200), "malformed"],
  ["a gateway's page", html(502), "http_502"],
  ["a gateway's login", html(401), "http_401"],
  ["an application's login", refused(401, "unauthorized", "Sign in."), "unauthorized"],
  ["a failure of ours", refused(500, "internal", "A bug."), "internal"],
  ["another JSON", listed({ detail: "x" }), "malformed"],
  ["a list of something else", listed({ models: [null] }), "malformed"],
  ["null", listed(null), "malformed"],
]) {
  test(`${name} is told, and the list is asked for again`, async () => {
    const { list, seen, waits } = begin([answer, answer, listed()]);
    const codes = [];
    const tell = list.onChange;
    list.onChange = () => (tell(), codes.push(list.error?.code));
    await list.load();
    assert.deepEqual(seen, ["loading", "failed", "failed", "ready"]);
    assert.deepEqual(codes, [undefined, code, code, undefined]);
    assert.deepEqual(waits, [1000, 2000]);
  });
}

test("it is asked for again for as long as the page is open, less and less often", async () => {
  const { list, waits } = begin([lost]);
  list.load();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(waits.length > 40);
  assert.deepEqual(waits.slice(0, 8), [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test("a service that names a wait is left alone for it", async () => {
  const { list, waits } = begin([refused(503, "shutting_down", "Restarting.", { "Retry-After": "9" }), listed()]);
  await list.load();
  assert.deepEqual(waits, [9000]);
});

test("a key that is wanted is not asked for again and again; with the key it is loaded", async () => {
  const { list, waits, seen } = begin([refused(401, "unauthorized", BEARER), listed()]);
  await list.load();
  assert.deepEqual([list.state, list.error.code, waits], ["unauthorized", "unauthorized", []]);
  await list.load();
  assert.deepEqual(seen, ["loading", "unauthorized", "loading", "ready"]);
});

test("the list of the last visit is there at once, and until another one has come", async () => {
  const { list } = begin([html(503), listed({ default: null, models: [] })], { models: MODELS });
  assert.deepEqual([list.models, list.default, list.isKept, list.state], [MODELS.models, "a/b", true, "loading"]);
  const kept = [];
  list.onChange = () => kept.push([list.state, list.models.length, list.isKept]);
  await list.load();
  assert.deepEqual(kept, [["loading", 1, true], ["failed", 1, true], ["ready", 0, false]]);
});

test("what another version of the page has kept is no list", () => {
  for (const models of [null, [], "x", { models: "x" }, { models: [null] }, { models: [{ name: "x" }] }]) {
    const { list } = begin([lost], { models });
    assert.deepEqual([list.models, list.isKept], [[], false]);
  }
});

test("a loading that is begun anew ends the one before, whose answer comes late", async () => {
  let release;
  const late = new Promise((resolve) => (release = resolve));
  const { list, seen } = begin([() => late.then(() => listed({ default: "late", models: [] })()), listed()]);
  const first = list.load();
  await list.load();
  release();
  await first;
  assert.deepEqual([list.default, seen], ["a/b", ["loading", "loading", "ready"]]);
});

test("of a very long list a part is kept", async () => {
  const models = Array.from({ length: 5000 }, (_, index) => ({ id: `a/${index}`, name: `${index}`, provider: "a" }));
  const { list, storage } = begin([listed({ default: "a/0", models })]);
  await list.load();
  assert.deepEqual([list.models.length, storage.get("models").models.length], [5000, 1000]);
});
