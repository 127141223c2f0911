/** Tool calls that the service runs: what the events make of them, and what goes back of them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../../flask_headrace/static/conversation/conversation.js";
import { EventReducer } from "../../../flask_headrace/static/conversation/event-reducer.js";
import { encodeJSON } from "../../../flask_headrace/static/json/json-text.js";

const frame = (data) => ({ ...JSON.parse(data), type: "tool", json: data });
const begin = (call, id, name) => ({ type: "tool", call, id, name, runs_here: true });
const text = (piece) => ({ type: "delta", text: piece });
const state = (text) => ({ type: "reasoning_state", reasoning_state: text });

const STATUS = [begin(0, "c1", "status"), { type: "tool", call: 0, delta: '{"id": 9007199254740993}' }, frame('{"call":0,"arguments":{"id":9007199254740993}}')];
const REFUND = [begin(1, "c2", "refund"), frame('{"call":1,"arguments":{"amount":1.50}}')];
const ASKED = [{ type: "tool", call: 1, approval: "signed" }, { type: "end", finish_reason: "tool_calls" }, { type: "done" }];

function asked() {
  const conversation = new Conversation();
  const said = [];
  const turn = conversation.add("Where?", { model: "a/b" });
  return { conversation, turn, said, receive: (...events) => receive(turn, said, events) };
}

function receive(turn, said, events) {
  const shown = [];
  const answer = new Proxy({}, { get: (_, name) => (...values) => shown.push([name, ...values]) });
  const reducer = new EventReducer(turn, answer, { say: (words) => said.push(words) });
  for (const event of events) reducer.apply(event);
  return shown;
}

/** The messages that ask for a turn's answer, as they are sent. */
const sent = (conversation, turn) => JSON.parse(encodeJSON(conversation.messagesFor(turn)));
const sentText = (conversation, turn) => encodeJSON(conversation.messagesFor(turn));
const callOf = ({ parts }, id) => parts.find((part) => part.id === id);

test("a call has its result with all digits, and progress goes with the result", () => {
  const { turn, receive } = asked();
  receive(...STATUS, frame('{"call":0,"progress":{"n":1.50}}'));
  assert.equal(callOf(turn, "c1").progress, '{"n":1.50}');
  receive(frame('{"call":0,"progress":"Looking"}'));
  assert.equal(callOf(turn, "c1").progress, "Looking");
  receive(frame('{"call":0,"result":{"weight":9007199254740993,"price":1.50}}'));
  const { progress, result, ...call } = callOf(turn, "c1");
  assert.deepEqual([progress, result], [undefined, '{"weight":9007199254740993,"price":1.50}']);
  assert.deepEqual(call, {
    type: "call", index: 0, text: '{"id": 9007199254740993}', name: "status", id: "c1", runsHere: true,
    isComplete: true, arguments: '{"id":9007199254740993}', error: undefined,
  });
});

test("results that are false, null or empty are results, and a later outcome replaces the one before", () => {
  for (const value of ["false", "null", "0", '""']) {
    const { turn, receive } = asked();
    receive(...STATUS, frame(`{"call":0,"result":${value}}`));
    assert.equal(callOf(turn, "c1").result, value);
    receive({ type: "tool", call: 0, error: "" });
    assert.deepEqual([callOf(turn, "c1").result, callOf(turn, "c1").error], [undefined, ""]);
  }
});

test("each step goes back as a turn of the model with its calls, its results and its state", () => {
  const { conversation, turn, receive } = asked();
  const second = [begin(1, "c2", "status"), frame('{"call":1,"arguments":{}}'), { type: "tool", call: 1, error: "away" }];
  receive(text("Let me see."), ...STATUS, state("r1.a"), frame('{"call":0,"result":[1.50]}'), { type: "step" }, ...second, { type: "step" }, text("So."), state("r1.b"), { type: "done" });
  const next = conversation.add("And?", { model: "a/b" });
  const messages = sent(conversation, next);
  assert.match(sentText(conversation, next), /"arguments":\{"id":9007199254740993\}/);
  messages[1].tool_calls[0].arguments = {};
  assert.deepEqual(messages, [
    { role: "user", content: "Where?" },
    { role: "assistant", content: "Let me see.", tool_calls: [{ id: "c1", name: "status", arguments: {} }], reasoning_state: "r1.a" },
    { role: "tool", tool_call_id: "c1", content: "[1.50]" },
    { role: "assistant", content: "", tool_calls: [{ id: "c2", name: "status", arguments: {} }] },
    { role: "tool", tool_call_id: "c2", content: "away", is_error: true },
    { role: "assistant", content: "So.", reasoning_state: "r1.b" },
    { role: "user", content: "And?" },
  ]);
});

test("what follows a result is another step, also where no frame says so", () => {
  const { conversation, turn, receive } = asked();
  receive(...STATUS, frame('{"call":0,"result":"sent"}'), text("It is "), text("sent."), { type: "done" });
  assert.deepEqual(turn.parts.map(({ type }) => type), ["call", "step", "text"]);
  const roles = sent(conversation, conversation.add("And?", { model: "a/b" })).map(({ role, content }) => [role, content]);
  assert.deepEqual(roles, [["user", "Where?"], ["assistant", ""], ["tool", "sent"], ["assistant", "It is sent."], ["user", "And?"]]);
});

test("calls of somebody else's tools do not go back", () => {
  const { conversation, receive } = asked();
  const find = [{ type: "tool", call: 1, id: "c9", name: "find" }, frame('{"call":1,"arguments":{}}')];
  receive(text("Look."), ...STATUS, ...find, frame('{"call":0,"result":1}'), { type: "step" }, text("So."), { type: "done" });
  const calls = sent(conversation, conversation.add("And?", { model: "a/b" }))[1].tool_calls;
  assert.deepEqual(calls.map(({ id }) => id), ["c1"]);
});

test("an answer waits for the reader's decision, and goes on with it in the same turn", () => {
  const { conversation, turn, said, receive } = asked();
  receive(text("Let me."), ...STATUS, ...REFUND, state("r1.a"), frame('{"call":0,"result":1}'), ...ASKED);
  assert.deepEqual([turn.state, turn.note], ["undecided", null]);
  assert.equal(said.at(-1), "answer.undecided");
  const first = turn.stream;
  conversation.decide(turn, callOf(turn, "c2"), { approved: false, reason: "No." });
  conversation.proceed(turn);
  assert.ok(turn.stream.id && turn.stream.id !== first?.id && turn.stream.model === "a/b");
  const messages = sent(conversation, turn);
  assert.match(sentText(conversation, turn), /"amount":1\.50/);
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "tool"]);
  assert.deepEqual(messages[1].tool_calls[1].approval, { id: "signed", approved: false, reason: "No." });
  assert.equal(messages[1].reasoning_state, "r1.a");
  receive({ type: "disconnected" });
  assert.deepEqual(sent(conversation, turn), messages, "the same question, also when it is sent once more");
  receive({ type: "tool", id: "c2", error: "not approved" }, { type: "step" }, begin(0, "c3", "status"), text("So."), { type: "done" });
  assert.equal(callOf(turn, "c2").error, "not approved");
  assert.deepEqual(turn.parts.map(({ type, index }) => [type, index]), [
    ["text", undefined], ["call", 0], ["call", 1], ["step", undefined], ["call", 2], ["text", undefined],
  ]);
});

test("a decision that comes before the other tools have ended is not lost", () => {
  const { conversation, turn, receive } = asked();
  receive(...STATUS, ...REFUND, ASKED[0]);
  conversation.decide(turn, callOf(turn, "c2"), { approved: true });
  receive(frame('{"call":0,"result":1}'), ASKED[1], ASKED[2]);
  assert.equal(turn.state, "undecided");
});

test("a restart voids what this stream has sent, and not what the reader has decided about", () => {
  const { conversation, turn, receive } = asked();
  receive(...REFUND, ...ASKED);
  conversation.decide(turn, callOf(turn, "c2"), { approved: true });
  conversation.proceed(turn);
  const result = frame('{"id":"c2","result":5}');
  const shown = receive(result, { type: "step" }, text("Hal"), { type: "restart", reason: "stall", model: "c/d" }, result, { type: "step" }, text("Whole."), { type: "done" });
  assert.deepEqual(turn.parts.map(({ type }) => type), ["call", "step", "text"]);
  assert.deepEqual([callOf(turn, "c2").result, turn.parts[2].text, turn.state], ["5", "Whole.", "done"]);
  assert.deepEqual(shown.filter(([name]) => name === "reset" || name === "restore").map(([name]) => name), ["reset", "restore"]);
});

test("a decision that the service does not accept is refused for good, and the conversation goes on", () => {
  for (const code of ["stream_conflict", "invalid_request"]) {
    const { conversation, turn, receive } = asked();
    receive(...REFUND, ...ASKED);
    conversation.decide(turn, callOf(turn, "c2"), { approved: true });
    conversation.proceed(turn);
    receive({ type: "error", code, message: "used before", retryable: false, retryAfterSeconds: null });
    assert.deepEqual([turn.state, turn.note.error.message, callOf(turn, "c2").error], ["failed", "used before", "used before"]);
    const again = conversation.retry(turn, { model: "a/b" });
    assert.deepEqual(sent(conversation, again).at(-1), { role: "tool", tool_call_id: "c2", content: "used before", is_error: true });
  }
});

test("a decision that did not arrive is sent once more by a retry", () => {
  const { conversation, turn, receive } = asked();
  receive(...REFUND, ...ASKED);
  conversation.decide(turn, callOf(turn, "c2"), { approved: true });
  conversation.proceed(turn);
  const before = sent(conversation, turn);
  receive({ type: "error", code: "unreachable", message: "away", retryable: true, retryAfterSeconds: null });
  const again = conversation.retry(turn, { model: "a/b" });
  assert.deepEqual(sent(conversation, again), before);
});

test("a reader who goes on without a decision leaves the call open, and the service tells the model", () => {
  const { conversation, turn, receive } = asked();
  receive(...REFUND, begin(2, "c3", "mail"), frame('{"call":2,"arguments":{}}'), { type: "tool", call: 2, approval: "other" }, ...ASKED);
  conversation.decide(turn, callOf(turn, "c3"), { approved: true });
  assert.deepEqual(conversation.skipDecisions().calls, [callOf(turn, "c2"), callOf(turn, "c3")]);
  assert.equal(conversation.skipDecisions(), null);
  const messages = sent(conversation, conversation.add("And?", { model: "a/b" }));
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "user"]);
  assert.deepEqual(messages[1].tool_calls.map(({ approval }) => approval), [{ id: "signed" }, { id: "other" }]);
});

test("an answer that broke off is asked for from the last tools on that have run, or may have", () => {
  const failed = { type: "error", code: "stall_timeout", message: "silent", retryable: true, retryAfterSeconds: null };
  const { conversation, turn, receive } = asked();
  receive(text("Let me."), ...STATUS, state("r1.a"), frame('{"call":0,"result":1}'), { type: "step" }, text("Half"), failed);
  const again = conversation.retry(turn, { model: "c/d" });
  assert.deepEqual(again.parts.map(({ type }) => type), ["text", "call", "step"]);
  assert.deepEqual(sent(conversation, again).map(({ role }) => role), ["user", "assistant", "tool"]);
  assert.equal(sent(conversation, again)[1].reasoning_state, "r1.a");
  assert.equal(again.stream.model, "c/d");
  assert.equal(turn.parts.at(-1).text, "Half", "what had come of it stays, in a version of its own");
  assert.deepEqual(conversation.turns, [again]);
});

test("a tool that ran when the answer broke off was interrupted, and one that cannot have run is nothing", () => {
  const failed = { type: "error", code: "stall_timeout", message: "silent", retryable: true, retryAfterSeconds: null };
  const { conversation, turn, receive } = asked();
  receive(...STATUS, ...REFUND, frame('{"call":0,"result":1}'), failed);
  assert.match(sent(conversation, conversation.retry(turn, { model: "a/b" })).at(-1).content, /interrupted/);
  const other = asked();
  other.receive(text("Half"), STATUS[0], failed);
  assert.deepEqual(other.conversation.retry(other.turn, { model: "a/b" }).parts, []);
});

test("a call in whose middle the reader stopped goes back only if its tool may have run", () => {
  const { conversation, turn, receive } = asked();
  receive(...STATUS, begin(1, "c2", "refund"), { type: "tool", call: 1, delta: '{"am' }, { type: "stopped" });
  assert.equal(turn.state, "stopped");
  const messages = sent(conversation, conversation.add("And?", { model: "a/b" }));
  assert.deepEqual(messages[1].tool_calls.map(({ id }) => id), ["c1"]);
  assert.equal(messages[2].is_error, true);
});

test("arguments that are no JSON object go back as none, as the service reads them", () => {
  const { conversation, receive } = asked();
  receive(begin(0, "c1", "status"), { type: "tool", call: 0, delta: "{oops" }, frame('{"call":0,"arguments":"{oops"}'), { type: "tool", call: 0, error: "no JSON" }, { type: "done" });
  assert.deepEqual(sent(conversation, conversation.add("And?", { model: "a/b" }))[1].tool_calls[0].arguments, {});
});

test("results of answers far back are forgotten, with the calls and the states of their steps", () => {
  const { conversation, turn, receive } = asked();
  const large = JSON.stringify("ü".repeat(140_000));
  receive(text("One."), ...STATUS, state("r1.a"), frame(`{"call":0,"result":${large}}`), { type: "step" }, text("Two."), { type: "done" });
  const second = conversation.add("And?", { model: "a/b" });
  assert.equal(sent(conversation, second)[2].content.length, 140_000);
  receiveInto(second, ...STATUS, frame(`{"call":0,"result":${large}}`), { type: "step" }, text("Three."), { type: "done" });
  const messages = sent(conversation, conversation.add("So?", { model: "a/b" }));
  assert.deepEqual(messages.map(({ role, content }) => [role, content.slice(0, 20)]), [
    ["user", "Where?"], ["assistant", "One.\n\nTwo."], ["user", "And?"], ["assistant", ""], ["tool", "ü".repeat(20)],
    ["assistant", "Three."], ["user", "So?"],
  ]);
  assert.equal(messages[1].reasoning_state, undefined);
  assert.equal(callOf(turn, "c1").result.length, 140_002, "the reader keeps it");
});

const receiveInto = (turn, ...events) => receive(turn, [], events);

test("what an answer of several streams took is what all of them took", () => {
  const usage = (tokens, cost) => ({ type: "usage", input_tokens: tokens, output_tokens: tokens, cost, estimated: false, attempts: [{}] });
  const { conversation, turn, receive } = asked();
  receive(...REFUND, ASKED[0], usage(3, 0.5), { type: "done" });
  conversation.decide(turn, callOf(turn, "c2"), { approved: true });
  conversation.proceed(turn);
  receive(frame('{"id":"c2","result":1}'), { type: "step" }, text("So."), usage(4, 0.25), { type: "done" });
  const { input_tokens, output_tokens, cost, attempts } = turn.usage;
  assert.deepEqual([input_tokens, output_tokens, cost, attempts.length], [7, 7, 0.75, 2]);
});
