/** What an answer took, in words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { UsageMeter, formatCost, formatDuration } from "../../../flask_headrace/static/chat/usage-meter.js";

const said = (meter) => meter.facts().map(({ value, label }) => `${value} ${label}`.trim());

test("times are said in the unit that fits", () => {
  assert.deepEqual([0.2, 87.4, 999, 1234, 9999, 12_345].map(formatDuration), ["1 ms", "87 ms", "999 ms", "1.23 s", "10.00 s", "12.3 s"]);
});

test("costs are said with the digits that matter", () => {
  const say = (amount) => formatCost({ cost: amount, currency: "USD" });
  assert.deepEqual([null, 0, 0.0000123, 0.00456, 0.1234, 2].map(say), ["price unknown", "free", "$0.000012", "$0.0046", "$0.123", "$2.00"]);
  assert.equal(formatCost({ cost: 0.5, currency: "EUR" }), "€0.50");
});

test("a whole answer has all its facts", () => {
  const meter = new UsageMeter(1000);
  for (const moment of [1250, 1500, 2250]) meter.countDelta(moment);
  const attempts = ["a/b", "c/d"].map((model) => ({ model, input_tokens: 600, output_tokens: 10, cost: 0 }));
  meter.usage = { input_tokens: 1200, output_tokens: 21, cached_tokens: 1000, reasoning_tokens: 5, cost: 0, estimated: false, attempts };
  assert.deepEqual(said(meter), [
    "250 ms to first token", "20 tokens/s", "21 tokens out, 5 of them reasoning", "1,200 in, 1,000 of them cached", "free", "2 attempts",
  ]);
});

test("an estimate is called one", () => {
  const meter = new UsageMeter(0);
  meter.countDelta(0);
  meter.usage = { input_tokens: 1, output_tokens: 2, cost: 0.01, currency: "USD", estimated: true };
  assert.ok(said(meter).includes("$0.01 estimated"));
});

test("an answer without usage says what is known", () => {
  const meter = new UsageMeter(0);
  assert.deepEqual(said(meter), []);
  for (const moment of [100, 600, 1100]) meter.countDelta(moment);
  assert.deepEqual(said(meter), ["100 ms to first token", "≈ 2.0 tokens/s"]);
});
