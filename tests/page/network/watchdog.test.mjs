/** A silence that is noticed: by a timer, and at once when a page wakes from a sleep in which timers stood still. */

import assert from "node:assert/strict";
import { test } from "node:test";

const view = new EventTarget();
const page = Object.assign(new EventTarget(), { hidden: false });
globalThis.addEventListener = view.addEventListener.bind(view);
globalThis.document = page;
const { Watchdog } = await import("../../../flask_headrace/static/network/watchdog.js");
const { waitForNetwork } = await import("../../../flask_headrace/static/network/network-wait.js");

const SLEEP_MS = 3_600_000;
const WAKES = { pageshow: view, online: view, resume: page, visibilitychange: page };

/** Start a watchdog of 45 s, on clocks that stand still. */
function begin(context, wakeQuietMs = 20_000) {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 0 });
  const watchdog = new Watchdog(45_000, undefined, wakeQuietMs);
  context.after(() => watchdog.close());
  return watchdog;
}

test("a silence is noticed in its time, and not after a reset", (context) => {
  const watchdog = begin(context);
  context.mock.timers.tick(44_000);
  watchdog.reset();
  context.mock.timers.tick(44_000);
  assert.ok(!watchdog.signal.aborted);
  context.mock.timers.tick(1000);
  assert.ok(watchdog.signal.aborted && watchdog.isExpired);
});

test("a parent that is aborted is no silence", () => {
  const parent = new AbortController();
  const watchdog = new Watchdog(45_000, parent.signal);
  parent.abort("why");
  assert.deepEqual([watchdog.signal.aborted, watchdog.signal.reason, watchdog.isExpired], [true, "why", false]);
  watchdog.close();
});

/** Let Date jump without a timer noticing, as a machine that sleeps does. */
function jump(context, milliseconds) {
  const before = Date.now();
  context.mock.method(Date, "now", () => before + milliseconds);
}

for (const [type, target] of Object.entries(WAKES)) {
  test(`after a sleep, \`${type}\` lets a silent connection go within two seconds`, (context) => {
    const watchdog = begin(context);
    jump(context, SLEEP_MS);
    target.dispatchEvent(new Event(type));
    assert.ok(!watchdog.signal.aborted, "what has arrived meanwhile is read first");
    context.mock.timers.tick(2000);
    assert.ok(watchdog.signal.aborted && watchdog.isExpired);
  });

  test(`after a sleep, \`${type}\` leaves a connection that brings something`, (context) => {
    const watchdog = begin(context);
    jump(context, SLEEP_MS);
    target.dispatchEvent(new Event(type));
    watchdog.reset();
    context.mock.timers.tick(40_000);
    assert.ok(!watchdog.signal.aborted);
  });

  test(`\`${type}\` shortens a wait`, async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const waited = waitForNetwork(60_000);
    target.dispatchEvent(new Event(type));
    await waited;
  });
}

test("a page that comes into view soon leaves its connection, and so does one that goes out of view", (context) => {
  const watchdog = begin(context);
  jump(context, 10_000);
  page.dispatchEvent(new Event("visibilitychange"));
  jump(context, SLEEP_MS);
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  page.hidden = false;
  context.mock.timers.tick(10_000);
  assert.ok(!watchdog.signal.aborted);
});

test("another network is doubted sooner", (context) => {
  const watchdog = begin(context);
  jump(context, 2000);
  view.dispatchEvent(new Event("online"));
  context.mock.timers.tick(2000);
  assert.ok(watchdog.signal.aborted);
});

test("what cannot be resumed is not doubted", (context) => {
  const watchdog = begin(context, Infinity);
  jump(context, SLEEP_MS);
  for (const [type, target] of Object.entries(WAKES)) target.dispatchEvent(new Event(type));
  context.mock.timers.tick(10_000);
  assert.ok(!watchdog.signal.aborted);
});

test("a closed watchdog does nothing any more", (context) => {
  const watchdog = begin(context);
  watchdog.close();
  jump(context, SLEEP_MS);
  view.dispatchEvent(new Event("pageshow"));
  context.mock.timers.tick(100_000);
  assert.ok(!watchdog.signal.aborted);
});
