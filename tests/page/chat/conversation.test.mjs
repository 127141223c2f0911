/** The conversation, as its own tab and others find it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../../flask_headrace/static/chat/conversation.js";

class Memory {
  constructor() {
    this.kept = new Map();
  }
  read(key) {
    return JSON.parse(this.kept.get(key) ?? "null");
  }
  write(key, value) {
    this.kept.set(key, JSON.stringify(value));
  }
}

const HALF = [{ type: "text", text: "Half" }];

function asked(shared = new Memory()) {
  const own = new Memory();
  const conversation = new Conversation(own, shared);
  const turn = conversation.add("Why?", "a/b");
  conversation.save();
  return { own, shared, conversation, turn };
}

test("each question, also one that is asked again, has an id of its own that nobody can guess", () => {
  const { conversation, turn } = asked();
  const first = turn.stream.id;
  conversation.restart(turn, "a/b");
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.notEqual(turn.stream.id, first);
});

test("a question that is asked again is asked as it is wanted then, and nothing of the answer before is left", () => {
  const { conversation, turn } = asked();
  turn.parts.push({ type: "text", text: "{}" });
  conversation.restart(turn, "c/d", { type: "object" });
  assert.deepEqual([turn.parts, turn.schema, turn.stream.model], [[], { type: "object" }, "c/d"]);
  conversation.restart(turn, "c/d");
  assert.equal(turn.schema, undefined);
});

test("a page that comes back finds the answer's text and cursor, and goes on", () => {
  const { own, shared, conversation, turn } = asked();
  Object.assign(turn, { parts: HALF, state: "flowing" });
  Object.assign(turn.stream, { isAccepted: true, cursor: 5 });
  conversation.save();
  const { pending } = new Conversation(own, shared);
  assert.deepEqual([pending.parts, pending.stream], [HALF, turn.stream]);
});

test("an answer that cannot be followed counts as stopped for who comes back", () => {
  const { own, shared, conversation, turn } = asked();
  turn.stream = null;
  conversation.save();
  const again = new Conversation(own, shared);
  assert.deepEqual([again.pending, again.turns[0].state], [null, "stopped"]);
});

test("another tab finds the conversation while its answer is coming, and not after", () => {
  const { shared, conversation, turn } = asked();
  const other = new Conversation(new Memory(), shared);
  assert.equal(other.pending.stream.id, turn.stream.id);
  assert.equal(other.pending.stream.isShared, true);
  Object.assign(turn, { state: "done", stream: null });
  conversation.save();
  assert.deepEqual(new Conversation(new Memory(), shared).turns, []);
});

test("a tab with a conversation of its own, or with a new chat, keeps it", () => {
  const { own, shared, conversation } = asked();
  const other = asked(shared);
  assert.equal(new Conversation(own, shared).turns.length, 1);
  conversation.clear();
  assert.deepEqual(new Conversation(own, shared).turns, []);
  assert.equal(new Conversation(new Memory(), shared).pending.stream.id, other.turn.stream.id);
});

test("what a tab left behind long ago is forgotten", () => {
  const { shared } = asked();
  shared.write("coming", { ...shared.read("coming"), at: Date.now() - 3_600_000 });
  assert.deepEqual(new Conversation(new Memory(), shared).turns, []);
  assert.equal(shared.read("coming"), null);
});

test("what another version of the page has stored is forgotten", () => {
  const { own, shared } = asked();
  const strange = [{ question: "Why?", text: "So.", state: "done" }];
  own.write("turns", strange);
  shared.write("coming", { ...shared.read("coming"), turns: strange });
  assert.deepEqual(new Conversation(own, shared).turns, []);
});

test("the model is told the text of an answer; a document is not cut by what came in between", () => {
  const { conversation, turn } = asked();
  const call = { type: "call", index: 0, name: "find", text: "{}" };
  turn.parts = [{ type: "text", text: "Look: \n" }, call, { type: "text", text: " So.\n" }];
  const form = conversation.add("Which?", "a/b", { type: "object" });
  form.parts = [{ type: "text", text: '{"a": "b ' }, call, { type: "text", text: ' c"}' }];
  const silent = conversation.add("And?", "a/b");
  silent.parts = [call];
  const told = conversation.messagesFor(conversation.add("Then?", "a/b")).map(({ content }) => content);
  assert.deepEqual(told, ["Why?", "Look:\n\nSo.\n", "Which?", '{"a": "b  c"}', "Then?"]);
});

/** Answer the last question with a state of so many characters. */
function answer(conversation, size) {
  const reasoningState = size ? `${"s".repeat(size - 1)}${conversation.turns.length}` : null;
  Object.assign(conversation.turns.at(-1), { parts: HALF, state: "done", stream: null, reasoningState });
}

const statesIn = (messages) => messages.filter(({ role }) => role === "assistant").map((message) => message.reasoning_state);

test("what a provider wants back goes with the answer, also after a reload, and not beside others", () => {
  const { own, shared, conversation } = asked();
  answer(conversation, 3);
  conversation.add("And?", "a/b");
  answer(conversation, 0);
  conversation.save();
  const again = new Conversation(own, shared);
  const messages = again.messagesFor(again.add("So?", "a/b"));
  assert.deepEqual(messages.slice(0, 2), [
    { role: "user", content: "Why?" },
    { role: "assistant", content: "Half", reasoning_state: "ss1" },
  ]);
  assert.deepEqual(messages[3], { role: "assistant", content: "Half" });
});

test("an answer that is asked for again has nothing that was wanted back of the one before", () => {
  const { conversation, turn } = asked();
  answer(conversation, 3);
  conversation.restart(turn, "a/b");
  assert.equal(turn.reasoningState, null);
});

test("of what providers want back the latest is kept, as far as there is room", () => {
  const { conversation } = asked();
  for (const size of [100_000, 100_000, 150_000]) {
    answer(conversation, size);
    conversation.add("And?", "a/b");
  }
  const sent = statesIn(conversation.messagesFor(conversation.turns.at(-1))).map((state) => state?.length);
  assert.deepEqual(sent, [undefined, 100_000, 150_000]);
  answer(conversation, 300_000);
  const last = conversation.add("And?", "a/b");
  assert.deepEqual(statesIn(conversation.messagesFor(last)), [undefined, undefined, undefined, undefined]);
});
