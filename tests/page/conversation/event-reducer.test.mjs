/** What the events of an answer make of its turn, with the page left out. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../../flask_headrace/static/conversation/conversation.js";
import { EventReducer } from "../../../flask_headrace/static/conversation/event-reducer.js";

/** A turn that these events have come for, and what was shown. */
function received(...events) {
  const turn = new Conversation().add("Why?", { model: "a/b", schema: { type: "object" } });
  const shown = [];
  const answer = new Proxy({}, { get: (_, name) => (...values) => shown.push([name, ...values]) });
  const reducer = new EventReducer(turn, answer, { say() {} });
  for (const event of events) reducer.apply(event);
  return { turn, shown, reducer };
}

const FIND = [
  { type: "tool", call: 0, id: "c1", name: "find" },
  { type: "tool", call: 0, delta: '{"q": ' },
  { type: "tool", call: 1, id: "c2", name: "now" },
  { type: "tool", call: 0, delta: '"mill"}' },
  { type: "tool", call: 0, arguments: { q: "mill" } },
  { type: "tool", call: 1, arguments: { zone: "UTC" } },
];

test("calls of tools are kept as they grow, also one whose arguments come at once", () => {
  const { turn, shown } = received(...FIND);
  assert.deepEqual(turn.parts, [
    { type: "call", index: 0, name: "find", text: '{"q": "mill"}', isComplete: true },
    { type: "call", index: 1, name: "now", text: '{"zone":"UTC"}', isComplete: true },
  ]);
  assert.equal(turn.state, "flowing");
  const pieces = shown.filter(([, { index }]) => index === 0).map(([, { text }]) => text);
  assert.equal(pieces.join(""), '{"q": "mill"}');
});

test("text, thoughts and calls are kept in the order in which they came", () => {
  const text = (...pieces) => pieces.map((piece) => ({ type: "delta", text: piece }));
  const { turn } = received(...text("Let me ", "look."), FIND[0], FIND[1], { type: "reasoning", text: "Hm." }, FIND[3], ...text("", "So."));
  assert.deepEqual(turn.parts.map((part) => [part.type, part.text]), [
    ["text", "Let me look."],
    ["call", '{"q": "mill"}'],
    ["reasoning", "Hm."],
    ["text", "So."],
  ]);
});

test("an answer that only calls tools is not an empty one", () => {
  assert.equal(received(...FIND, { type: "done" }).turn.note, null);
  assert.deepEqual(received({ type: "done" }).turn.note, { code: "empty" });
});

test("an answer that its model ended for another reason than that it is whole says so", () => {
  const ended = (...finish) => {
    const ends = finish.map((finish_reason) => ({ type: "end", finish_reason }));
    const { turn, shown } = received({ type: "delta", text: "Half" }, ...ends, { type: "done" });
    assert.equal(shown.at(-1)[0], "finish");
    return [turn.state, turn.note];
  };
  for (const finish of ["stop", "tool_calls", "other"]) assert.deepEqual(ended(finish), ["done", null]);
  assert.deepEqual(ended(), ["done", null], "from a service that does not tell");
  assert.deepEqual(ended("length"), ["cut", { code: "cut" }]);
  assert.deepEqual(ended("content_filter"), ["cut", { code: "filtered" }]);
  assert.deepEqual(ended("length", "length"), ended("length"), "told again to who came back");
  assert.equal(ended("pause")[0], "cut");
});

test("a run of reasoning has its duration, up to where another part begins", (t) => {
  let time = 1_000_000;
  t.mock.method(performance, "now", () => time);
  const turn = { parts: [] };
  const reducer = new EventReducer(turn, { append() {}, finish() {}, reset() {}, showInterruption() {}, restore() {} }, { say() {} });
  for (const [wait, event] of [
    [0, { type: "reasoning", text: "Hm" }],
    [2000, { type: "reasoning", text: ", well." }],
    [10_000, { type: "delta", text: "So." }],
    [5000, { type: "reasoning", text: "Once more." }],
    [300, { type: "delta", text: "Yes." }],
  ]) {
    time += wait;
    reducer.apply(event);
  }
  assert.deepEqual(turn.parts.map(({ durationMs }) => durationMs), [12_000, undefined, 300, undefined]);
});

test("a restart voids all that was shown, and what follows is the answer", () => {
  const before = [{ type: "delta", text: '{"a": 1' }, { type: "reasoning", text: "Hm." }, ...FIND];
  const { turn, shown } = received(...before, { type: "restart", reason: "stall", model: "c/d" });
  assert.deepEqual([turn.parts, turn.state, turn.model], [[], "waiting", "c/d"]);
  assert.deepEqual(shown.at(-1), ["reset", { code: "restarted", model: "c/d", reason: "stall" }]);
  assert.deepEqual(turn.schema, { type: "object" });
});

test("what the provider wants back is kept with the turn, and voided with the answer", () => {
  const state = { type: "reasoning_state", reasoning_state: "r1.e30=" };
  assert.equal(received({ type: "delta", text: "a" }, state, { type: "done" }).turn.reasoningState, "r1.e30=");
  assert.equal(received(state, { type: "restart", reason: "stall", model: "c/d" }).turn.reasoningState, null);
});

test("after a stop only what the answer took is heard", () => {
  const { turn, shown, reducer } = received({ type: "delta", text: "Half" });
  reducer.stop();
  assert.deepEqual([turn.state, turn.note, turn.stream], ["stopped", { code: "stopped" }, null]);
  const usage = { type: "usage", input_tokens: 3, output_tokens: 2, cost: 0, estimated: true };
  for (const event of [{ type: "delta", text: " more" }, usage, { type: "cancelled", reason: "stopped" }]) reducer.apply(event);
  assert.deepEqual([turn.parts[0].text, turn.state, turn.usage.output_tokens], ["Half", "stopped", 2]);
  assert.deepEqual(shown.slice(-2).map(([name]) => name), ["finish", "showFacts"]);
});
