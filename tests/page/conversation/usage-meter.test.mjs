/** What an answer took, in words. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { answerFacts, formatCost, formatDuration } from "../../../flask_headrace/static/answer/facts.js";
import { UsageMeter } from "../../../flask_headrace/static/conversation/usage-meter.js";
import { setWords } from "../../../flask_headrace/static/words/words.js";

const WORDS = new URL("../../../flask_headrace/static/words/en.json", import.meta.url);
setWords(JSON.parse(readFileSync(WORDS, "utf8")));

/** The facts of an answer that was asked for at `askedAt`, and whose pieces came at these moments. */
function facts(askedAt, moments, usage = null) {
  const meter = new UsageMeter(askedAt);
  for (const moment of moments) meter.countDelta(moment);
  return answerFacts({ times: meter.times, usage });
}

test("times are said in the unit that fits", () => {
  assert.deepEqual([0.2, 87.4, 999, 1234, 9999, 12_345].map(formatDuration), ["1 ms", "87 ms", "999 ms", "1.23 s", "10.00 s", "12.3 s"]);
});

test("costs are said with the digits that matter", () => {
  const say = (amount) => formatCost({ cost: amount, currency: "USD" });
  assert.deepEqual([null, 0, 0.0000123, 0.00456, 0.1234, 2].map(say), ["price unknown", "free", "$0.000012", "$0.0046", "$0.123", "$2.00"]);
  assert.equal(formatCost({ cost: 0.5, currency: "EUR" }), "€0.50");
});

test("a currency that no standard knows is named as it is", () => {
  assert.equal(formatCost({ cost: 0.5, currency: "credits" }), "0.50 credits");
  assert.equal(formatCost({ cost: 1.5, currency: "€" }), "1.50 €");
});

test("a whole answer has all its facts", () => {
  const attempts = ["a/b", "c/d"].map((model) => ({ model, input_tokens: 600, output_tokens: 10, cost: 0 }));
  const usage = { input_tokens: 1200, output_tokens: 21, cached_tokens: 1000, reasoning_tokens: 5, cost: 0, estimated: false, attempts };
  assert.deepEqual(facts(1000, [1250, 1500, 2250], usage), [
    "250 ms to first token", "20 tokens/s", "21 tokens out, 5 of them reasoning", "1,200 in, 1,000 of them cached", "free", "2 attempts",
  ]);
});

test("an estimate is called one", () => {
  const usage = { input_tokens: 1, output_tokens: 2, cost: 0.01, currency: "USD", estimated: true };
  assert.ok(facts(0, [0], usage).includes("$0.01 estimated"));
});

test("an answer without usage says what is known", () => {
  assert.deepEqual(facts(0, []), []);
  assert.deepEqual(facts(0, [100, 600, 1100]), ["100 ms to first token", "≈ 2.0 tokens/s"]);
});

test("a clock that was set back in between says nothing of times", () => {
  assert.deepEqual(facts(5000, [100, 600, 1100]), []);
});
