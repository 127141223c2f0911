/** When to try again, and when to stop trying. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../../flask_headrace/static/network/backoff.js";

const still = () => 0;
const waits = (backoff, count) => Array.from({ length: count }, () => backoff.nextDelay());

test("the bound doubles from the least to the most", () => {
  const backoff = new Backoff({ initialDelayMs: 250, maxDelayMs: 8000, now: still, random: () => 1 });
  assert.deepEqual(waits(backoff, 8), [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test("the wait is drawn anew from the whole range each time", () => {
  const draws = [0, 0.5, 0.25, 0.999];
  const backoff = new Backoff({ initialDelayMs: 250, maxDelayMs: 8000, now: still, random: () => draws.shift() });
  assert.deepEqual(waits(backoff, 4), [0, 250, 250, 1998]);
});

test("a wait that the server asks for is never cut short", () => {
  const backoff = new Backoff({ now: still, random: () => 0 });
  assert.deepEqual([backoff.nextDelay(3000), backoff.nextDelay()], [3000, 0]);
});

test("after a success the next failure is a first one", () => {
  let moment = 0;
  const backoff = new Backoff({ initialDelayMs: 100, maxElapsedMs: 1000, now: () => moment, random: () => 1 });
  waits(backoff, 3);
  backoff.reset();
  moment = 5000;
  assert.equal(backoff.nextDelay(), 100);
});

test("trying ends when the time since the first failure is over", () => {
  let moment = 7000;
  const backoff = new Backoff({ initialDelayMs: 100, maxDelayMs: 100, maxElapsedMs: 1000, now: () => moment, random: () => 1 });
  assert.equal(backoff.nextDelay(), 100);
  moment = 7900;
  assert.equal(backoff.nextDelay(), 100);
  moment = 7901;
  assert.equal(backoff.nextDelay(), null);
});

test("a wait that would last beyond that time is not begun", () => {
  assert.equal(new Backoff({ maxElapsedMs: 1000, now: still }).nextDelay(1001), null);
});

test("the tries in two minutes are few, whatever the dice say", () => {
  for (const draw of [0.5, 1]) {
    let moment = 0;
    const backoff = new Backoff({ now: () => moment, random: () => draw });
    let tries = 0;
    for (let wait = backoff.nextDelay(); wait !== null; wait = backoff.nextDelay()) {
      moment += wait;
      tries++;
    }
    assert.ok(tries > 10 && tries < 50, `${tries} tries`);
    assert.ok(moment <= 120_000);
  }
});
