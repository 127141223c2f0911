/** How long a model has reasoned, part by part. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ReasoningStopwatch } from "../../../flask_headrace/static/answer/reasoning-stopwatch.js";

function stopwatchAt(times) {
  return new ReasoningStopwatch(() => times.shift());
}

test("a run is measured from its first text", () => {
  const stopwatch = stopwatchAt([1000, 1400, 13000]);
  const run = { type: "reasoning", durationMs: stopwatch.lap(undefined) };
  assert.equal(run.durationMs, 0);
  run.durationMs = stopwatch.lap(run);
  assert.equal(run.durationMs, 400);
  assert.equal(stopwatch.lap(run), 12000);
});

test("each run has its own time", () => {
  const stopwatch = stopwatchAt([0, 500, 9000, 9300]);
  stopwatch.lap(undefined);
  stopwatch.lap({ type: "reasoning", durationMs: 0 });
  assert.equal(stopwatch.lap({ type: "call" }), 0);
  assert.equal(stopwatch.lap({ type: "reasoning", durationMs: 0 }), 300);
});

test("a run goes on after the page was loaded again, without the time between", () => {
  const stopwatch = stopwatchAt([50_000, 52_000]);
  assert.equal(stopwatch.lap({ type: "reasoning", durationMs: 7000 }), 7000);
  assert.equal(stopwatch.lap({ type: "reasoning", durationMs: 7000 }), 9000);
});

test("a clock that is set back makes no time negative", () => {
  const stopwatch = stopwatchAt([1000, 400]);
  stopwatch.lap(undefined);
  assert.equal(stopwatch.lap({ type: "reasoning", durationMs: 0 }), 0);
});
