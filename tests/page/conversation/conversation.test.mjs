/** The conversation: what is asked, what becomes of it, and what the model is told. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation, mergeConversations } from "../../../flask_headrace/static/conversation/conversation.js";
import { leftOutOf } from "../../../flask_headrace/static/conversation/messages.js";
import { canContinue } from "../../../flask_headrace/static/conversation/turn.js";

const REQUEST = { model: "a/b" };
const HALF = [{ type: "text", text: "Half" }];

function asked(question = "Why?") {
  const conversation = new Conversation();
  return { conversation, turn: conversation.add(question, REQUEST) };
}

/** End a turn's answer. */
const end = (turn, parts = HALF, state = "done") => Object.assign(turn, { parts: structuredClone(parts), state, stream: null });
const told = (conversation, turn) => conversation.messagesFor(turn).map(({ content }) => content);
const questions = (conversation) => conversation.turns.map(({ question }) => question);

test("each question, also one that is asked again, has an id of its own that nobody can guess", () => {
  const { conversation, turn } = asked();
  const first = turn.stream.id;
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.notEqual(conversation.askAgain(turn, REQUEST).stream.id, first);
});

test("a question of which nothing has come is asked again in its place, as it is wanted then", () => {
  const { conversation, turn } = asked();
  assert.equal(conversation.askAgain(turn, { model: "c/d", schema: { type: "object" } }), turn);
  assert.deepEqual([turn.schema, turn.stream.model], [{ type: "object" }, "c/d"]);
  conversation.askAgain(turn, { model: "c/d" });
  assert.equal(turn.schema, undefined);
});

test("an answer that is asked for again is a version beside the one before", () => {
  const { conversation, turn } = asked();
  end(turn);
  const again = conversation.askAgain(turn, REQUEST);
  assert.deepEqual([conversation.turns, conversation.versionsOf(turn), turn.parts], [[again], [turn, again], HALF]);
  assert.deepEqual([again.parts, again.state, again.reasoningState], [[], "waiting", null]);
  conversation.select(turn);
  assert.deepEqual(conversation.turns, [turn]);
});

test("what follows an answer stays with that version of it", () => {
  const { conversation, turn } = asked();
  end(turn);
  const next = end(conversation.add("And?", REQUEST));
  const edited = end(conversation.askAgain(turn, REQUEST, "Why not?"));
  assert.deepEqual(questions(conversation), ["Why not?"]);
  end(conversation.add("So?", REQUEST));
  conversation.select(turn);
  assert.deepEqual(conversation.turns, [turn, next]);
  conversation.select(edited);
  assert.deepEqual(questions(conversation), ["Why not?", "So?"]);
});

test("a question that is removed goes with its versions, what follows stays, and an undo brings all of it back", () => {
  const { conversation, turn } = asked();
  end(turn);
  end(conversation.add("And?", REQUEST));
  const edited = end(conversation.askAgain(turn, REQUEST, "Why not?"));
  end(conversation.add("So?", REQUEST));
  const before = structuredClone(conversation.stored.selected);
  const undo = conversation.remove(edited);
  assert.deepEqual(questions(conversation), ["So?"]);
  undo();
  assert.deepEqual(questions(conversation), ["Why not?", "So?"]);
  assert.deepEqual(conversation.stored.selected, before);
  conversation.select(turn);
  assert.deepEqual(questions(conversation), ["Why?", "And?"]);
});

test("what was added between a removal and its undo stays", () => {
  const { conversation, turn } = asked();
  end(turn);
  const undo = conversation.remove(turn);
  end(conversation.add("New?", REQUEST));
  undo();
  const all = conversation.stored.turns.map(({ question }) => question).sort();
  assert.deepEqual(all, ["New?", "Why?"]);
});

test("a cut answer goes on where it ends, and is one answer then", () => {
  const { conversation, turn } = asked();
  end(turn, HALF, "cut");
  assert.ok(canContinue(turn));
  conversation.continueAnswer(turn, { model: "c/d" });
  assert.deepEqual([turn.state, turn.stream.model, turn.base], ["flowing", "c/d", 2]);
  const messages = conversation.messagesFor(turn);
  assert.deepEqual(messages.slice(0, 2), [{ role: "user", content: "Why?" }, { role: "assistant", content: "Half" }]);
  assert.match(messages[2].content, /Continue it exactly where it ends/);
  assert.equal(messages.length, 3);
  turn.parts.push({ type: "text", text: "way." });
  end(turn, turn.parts);
  assert.deepEqual(told(conversation, conversation.add("And?", REQUEST)), ["Why?", "Halfway.", "And?"]);
});

test("what cannot go on in the middle of its text is not offered to", () => {
  const { turn } = asked();
  for (const state of ["cut", "stopped", "failed"]) assert.ok(canContinue(end(turn, HALF, state)), state);
  for (const state of ["done", "waiting", "flowing", "undecided"]) assert.ok(!canContinue(end(turn, HALF, state)), state);
  assert.ok(!canContinue(end(turn, [], "stopped")));
  assert.ok(!canContinue(end(turn, [...HALF, { type: "call", index: 0, name: "x", text: "{" }], "stopped")));
  assert.ok(!canContinue({ ...end(turn, HALF, "cut"), note: { code: "filtered" } }));
  assert.ok(!canContinue({ ...end(turn, HALF, "cut"), schema: {} }));
});

test("the model is told the text of an answer; a document is not cut by what came in between", () => {
  const { conversation, turn } = asked();
  const call = { type: "call", index: 0, name: "find", text: "{}" };
  turn.parts = [{ type: "text", text: "Look: \n" }, call, { type: "text", text: " So.\n" }];
  const form = conversation.add("Which?", { ...REQUEST, schema: { type: "object" } });
  form.parts = [{ type: "text", text: '{"a": "b ' }, call, { type: "text", text: ' c"}' }];
  const silent = conversation.add("And?", REQUEST);
  silent.parts = [call];
  assert.deepEqual(told(conversation, conversation.add("Then?", REQUEST)), ["Why?", "Look:\n\nSo.\n", "Which?", '{"a": "b  c"}', "Then?"]);
  assert.deepEqual([turn, form, silent].map(leftOutOf), ["calls", "calls", "turn"]);
});

test("a failed answer is sent as far as it came; a question without an answer is not, and that can be told", () => {
  const { conversation, turn } = asked();
  end(turn, HALF, "failed");
  const silent = end(conversation.add("And?", REQUEST), [], "failed");
  assert.deepEqual(told(conversation, conversation.add("Then?", REQUEST)), ["Why?", "Half", "Then?"]);
  assert.deepEqual([leftOutOf(turn), leftOutOf(silent)], [null, "turn"]);
});

test("turns before the one at which the conversation starts are not sent", () => {
  const { conversation, turn } = asked();
  end(turn);
  const second = end(conversation.add("And?", REQUEST));
  conversation.startAt(second);
  const third = conversation.add("So?", REQUEST);
  assert.deepEqual([conversation.sentTurns, told(conversation, third)], [[second, third], ["And?", "Half", "So?"]]);
  assert.deepEqual(told(conversation, conversation.askAgain(end(turn), REQUEST, "Why not?")), ["Why not?"]);
  conversation.select(turn);
  conversation.startAt(null);
  assert.equal(conversation.sentTurns.length, 3);
});

test("the first line of the first question is the title, until the reader gives another", () => {
  const { conversation } = asked(`  Why so?\n${"x".repeat(200)}`);
  assert.equal(conversation.title, "Why so?");
  assert.equal(asked("y".repeat(200)).conversation.title.length, 81);
  conversation.rename("Mills");
  assert.equal(conversation.title, "Mills");
});

test("what two tabs do at once is kept of both", () => {
  const { conversation, turn } = asked();
  end(turn);
  const other = new Conversation(structuredClone(conversation.stored));
  const here = end(conversation.add("Here?", REQUEST));
  const there = end(other.add("There?", REQUEST));
  const undo = other.remove(other.turns[0]);
  conversation.adopt(structuredClone(other.stored), () => false);
  other.adopt(structuredClone(conversation.stored), () => false);
  for (const { stored } of [conversation, other]) {
    assert.deepEqual(stored.turns.map(({ id }) => id).sort(), [here.id, there.id].sort());
  }
  undo();
  conversation.adopt(structuredClone(other.stored), () => false);
  assert.ok(conversation.stored.turns.some(({ id }) => id === turn.id));
});

test("an answer that is coming here is not replaced by what another tab has kept of it", () => {
  const { conversation, turn } = asked();
  const other = structuredClone(conversation.stored);
  Object.assign(other.turns[0], { parts: [], state: "failed", changedAt: Infinity });
  Object.assign(turn, { parts: HALF, state: "flowing" });
  assert.deepEqual(conversation.adopt(structuredClone(other), () => true), []);
  assert.deepEqual([turn.parts, turn.state], [HALF, "flowing"]);
  assert.deepEqual(conversation.adopt(other, () => false), [turn]);
  assert.equal(turn.state, "failed");
});

test("of two states of a conversation the newer name counts", () => {
  const { conversation } = asked();
  const old = structuredClone(conversation.stored);
  conversation.rename("Mills");
  assert.equal(mergeConversations(conversation.stored, old).title, "Mills");
  assert.equal(mergeConversations(old, conversation.stored).title, "Mills");
});

/** Answer the last question with a state of so many characters. */
function answer(conversation, size) {
  const reasoningState = size ? `${"s".repeat(size - 1)}${conversation.turns.length}` : null;
  Object.assign(end(conversation.turns.at(-1)), { reasoningState });
}

const statesIn = (messages) => messages.filter(({ role }) => role === "assistant").map((message) => message.reasoning_state);

test("what a provider wants back goes with the answer, also after a reload, and not beside others", () => {
  const { conversation } = asked();
  answer(conversation, 3);
  conversation.add("And?", REQUEST);
  answer(conversation, 0);
  const again = new Conversation(structuredClone(conversation.stored));
  const messages = again.messagesFor(again.add("So?", REQUEST));
  assert.deepEqual(messages.slice(0, 2), [
    { role: "user", content: "Why?" },
    { role: "assistant", content: "Half", reasoning_state: "ss1" },
  ]);
  assert.deepEqual(messages[3], { role: "assistant", content: "Half" });
});

test("of what providers want back the latest is sent, as far as there is room, and all of it kept", () => {
  const { conversation } = asked();
  for (const size of [100_000, 100_000, 150_000]) {
    answer(conversation, size);
    conversation.add("And?", REQUEST);
  }
  const sent = statesIn(conversation.messagesFor(conversation.turns.at(-1))).map((state) => state?.length);
  assert.deepEqual(sent, [undefined, 100_000, 150_000]);
  assert.equal(conversation.turns[0].reasoningState.length, 100_000);
  answer(conversation, 300_000);
  const last = conversation.add("And?", REQUEST);
  assert.deepEqual(statesIn(conversation.messagesFor(last)), [undefined, undefined, undefined, undefined]);
});

test("an answer that went on after a cut goes back without what one of its parts wanted back", () => {
  const { conversation, turn } = asked();
  end(turn, [...HALF, { type: "continuation", text: "" }, { type: "text", text: "way" }]).reasoningState = "s1";
  assert.deepEqual(statesIn(conversation.messagesFor(conversation.add("And?", REQUEST))), [undefined]);
});
