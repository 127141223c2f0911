/** A stop that arrives, whatever the network does. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../../flask_headrace/static/network/backoff.js";
import { stopStream } from "../../../flask_headrace/static/network/stop-stream.js";

/** Stop a stream while the server answers so, and return how often that was tried; null is a network that is away. */
async function tries(answers, isAccepted = true) {
  let moment = 0;
  let count = 0;
  const fetch = async (url, { method, keepalive }) => {
    assert.deepEqual([url, method, keepalive], ["/api/streams/x", "DELETE", true]);
    const status = answers[Math.min(count++, answers.length - 1)];
    if (status === null) throw new TypeError("Failed to fetch");
    return new Response(null, { status });
  };
  const wait = async (milliseconds) => void (moment += milliseconds);
  await stopStream("/api/streams/x", { isAccepted, fetch, wait, backoff: new Backoff({ now: () => moment, random: () => 1 }) });
  return count;
}

test("a stop that arrives is sent once", async () => {
  assert.equal(await tries([204]), 1);
});

test("a stop is sent again until the network is back", async () => {
  assert.equal(await tries([null, null, 503, 204]), 4);
});

test("a stop that cannot be sent is given up in the end", async () => {
  const count = await tries([null]);
  assert.ok(count > 5 && count < 50, `${count} tries`);
});

test("a stream that the server has forgotten needs no stop", async () => {
  assert.equal(await tries([404]), 1);
});

test("a question that is overtaken by its stop is stopped when it arrives", async () => {
  assert.equal(await tries([404, 404, 204], false), 3);
  assert.ok((await tries([404], false)) < 8);
});

for (const status of [200, 302, 408, 425, 429, 500, 502, 522]) {
  test(`a stop that a login, a gateway or a firewall has answered with ${status} is sent again`, async () => {
    assert.equal(await tries([status, status, 204]), 3);
  });
}

test("a stop that is not answered is sent again on another connection", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let count = 0;
  const fetch = (url, { signal }) => {
    if (count++) return Promise.resolve(new Response(null, { status: 204 }));
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const stopped = stopStream("/api/streams/x", { isAccepted: true, fetch, wait: async () => {} });
  context.mock.timers.tick(6000);
  await stopped;
  assert.equal(count, 2);
});

test("a stop that is refused is not tried again", async () => {
  assert.equal(await tries([401]), 1);
});

test("who gives no `wait` waits by the clock where there is no page", async () => {
  let count = 0;
  const fetch = async () => {
    if (count++) return new Response(null, { status: 204 });
    throw new TypeError("Failed to fetch");
  };
  await stopStream("/api/streams/x", { isAccepted: true, fetch, backoff: new Backoff({ initialDelayMs: 1 }) });
  assert.equal(count, 2);
});
