/** Counting down on a clock that is moved by hand. */

import assert from "node:assert/strict";
import { test } from "node:test";

const view = new EventTarget();
globalThis.addEventListener = view.addEventListener.bind(view);
const { RetryCountdown, countdownText } = await import("../../../flask_headrace/static/chat/retry-countdown.js");

/** A clock whose timers fire when `pass` moves it on, and `sleep` moves it on without them. */
function handClock() {
  let moment = 1000;
  let timers = [];
  const clock = {
    now: () => moment,
    setTimeout: (callback, delayMs) => {
      const timer = { callback, at: moment + delayMs };
      timers.push(timer);
      return timer;
    },
    clearTimeout: (timer) => void (timers = timers.filter((other) => other !== timer)),
  };
  const sleep = (milliseconds) => void (moment += milliseconds);
  const pass = (milliseconds) => {
    const until = moment + milliseconds;
    for (;;) {
      const next = timers.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      moment = Math.max(moment, next.at);
      clock.clearTimeout(next);
      next.callback();
    }
    moment = until;
  };
  return { clock, pass, sleep, count: () => timers.length };
}

function begin(seconds) {
  const hand = handClock();
  const heard = [];
  const countdown = new RetryCountdown(seconds, { onTick: (left) => heard.push(left), onEnd: () => heard.push("end"), clock: hand.clock });
  return { ...hand, heard, countdown };
}

test("each second is told once, and the end", () => {
  const { pass, heard, countdown, count } = begin(3);
  assert.deepEqual(heard, [3]);
  pass(999);
  assert.deepEqual(heard, [3]);
  pass(1);
  assert.deepEqual([heard, countdown.secondsLeft], [[3, 2], 2]);
  pass(60_000);
  assert.deepEqual([heard, countdown.secondsLeft, count()], [[3, 2, 1, "end"], 0, 0]);
});

test("a part of a second is told as a whole one", () => {
  const { pass, heard } = begin(1.5);
  pass(600);
  assert.deepEqual(heard, [2, 1]);
  pass(900);
  assert.deepEqual(heard, [2, 1, "end"]);
});

test("nothing comes after a cancel", () => {
  const { pass, heard, countdown, count } = begin(3);
  pass(1000);
  countdown.cancel();
  countdown.cancel();
  view.dispatchEvent(new Event("online"));
  pass(60_000);
  assert.deepEqual([heard, count()], [[3, 2], 0]);
});

test("a page that wakes looks at the clock at once", () => {
  const { sleep, heard } = begin(30);
  sleep(12_000);
  view.dispatchEvent(new Event("pageshow"));
  assert.deepEqual(heard, [30, 18]);
  sleep(60_000);
  view.dispatchEvent(new Event("pageshow"));
  view.dispatchEvent(new Event("pageshow"));
  assert.deepEqual(heard, [30, 18, "end"]);
});

test("no time at all ends at once", () => {
  assert.deepEqual(begin(0).heard, ["end"]);
});

test("the browser's own clock is the usual one", async () => {
  const heard = [];
  await new Promise((resolve) => new RetryCountdown(0.05, { onTick: (left) => heard.push(left), onEnd: () => resolve() }));
  assert.deepEqual(heard, [1]);
});

test("the words say who asks again, and long times in minutes", () => {
  assert.equal(countdownText(7, true), "Trying again in 7 s.");
  assert.equal(countdownText(7, false), "You can try again in 7 s.");
  assert.equal(countdownText(3600, false), "You can try again in 60 min.");
});
