/**
 * The chat page: wires the parts to each other.
 *
 * Knows which part does what, and the one stream that may be open. All else is in the parts.
 */

import { Announcer } from "./announcer.js";
import { Answer } from "./answer.js";
import { copy } from "./clipboard.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Follow } from "./follow.js";
import { Key } from "./key.js";
import { Meter } from "./meter.js";
import { Models } from "./models.js";
import { Storage } from "./storage.js";
import { ask } from "./stream.js";

const $ = (id) => document.getElementById(id);
const api = document.body.dataset.api;
const prefix = `headrace:${api}:`;
const conversation = new Conversation(new Storage("sessionStorage", prefix));
const models = new Models($("model"), $("about"), new Storage("localStorage", prefix));
const announcer = new Announcer($("spoken"));
const follow = new Follow((following) => ($("jump").hidden = following));
const key = new Key($("key"), new Storage("sessionStorage", prefix), () => {
  loadModels();
  $("turns").querySelector(".turn:last-child[data-state=failed] [data-part=retry]")?.click();
});
const composer = new Composer($("composer"), { send, stop });
let stream = null;

function send(question) {
  if (stream) return false;
  const turn = conversation.add(question);
  const answer = show(turn, announcer);
  follow.now();
  receive(turn, answer);
  return true;
}

function stop() {
  stream?.abort();
}

function show(turn, reader) {
  const answer = new Answer($("turn"), turn, { announcer: reader, grown: () => follow.grown() });
  const again = () => {
    if (stream) return;
    conversation.restart(turn);
    answer.begin();
    composer.focus();
    receive(turn, answer);
  };
  answer.parts.retry.addEventListener("click", again);
  answer.parts.regenerate.addEventListener("click", again);
  answer.parts.copy.addEventListener("click", ({ currentTarget }) => copy(turn.text, currentTarget));
  $("turns").append(answer.element);
  document.body.dataset.filled = "";
  return answer;
}

async function receive(turn, answer) {
  const own = new AbortController();
  stream = own;
  busy(true);
  announcer.say("Asked. Waiting for the answer.");
  const meter = new Meter(performance.now());
  const body = { messages: conversation.messagesFor(turn), model: models.chosen };
  for await (const event of ask(`${api}/chat`, body, { signal: own.signal, headers: key.headers })) {
    take(event, turn, answer, meter);
  }
  if (stream !== own) return;
  stream = null;
  busy(false);
  conversation.save();
}

function take(event, turn, answer, meter) {
  switch (event.type) {
    case "start":
      turn.model = event.model;
      break;
    case "delta":
      meter.token(performance.now());
      turn.text += event.text;
      turn.state = "flowing";
      answer.text(event.text);
      break;
    case "reasoning":
      meter.token(performance.now());
      turn.reasoning += event.text;
      answer.reasoning(event.text);
      break;
    case "restart":
      Object.assign(turn, { text: "", reasoning: "", model: event.model ?? turn.model });
      answer.begin(`Begun again with ${turn.model}: ${event.reason}`);
      break;
    case "usage":
      meter.usage = event;
      break;
    default:
      if (event.code === "unauthorized") key.ask();
      settle(turn, answer, ending(event, turn), meter);
  }
}

function ending(event, turn) {
  switch (event.type) {
    case "done":
      return { state: "done", note: turn.text ? "" : "The model had nothing to say." };
    case "stopped":
      return { state: "stopped", note: turn.text ? "You stopped this answer." : "You stopped before the first token." };
    case "cancelled":
      return { state: "stopped", note: `The server ended this answer${event.reason ? `: ${event.reason}` : ""}.` };
    default:
      return { state: "failed", note: event.message + (event.wait ? ` Try again in ${event.wait} s.` : "") };
  }
}

function settle(turn, answer, end, meter) {
  Object.assign(turn, end, { facts: meter.facts() });
  answer.settle(turn);
  // A failure is an alert already.
  if (end.state !== "failed") announcer.say(end.note || "The answer is complete.");
}

function loadModels() {
  models.load(`${api}/models`, key.headers, () => key.ask());
}

function busy(coming) {
  composer.busy = coming;
  document.body.toggleAttribute("data-flowing", coming);
}

function restart() {
  const ended = stream;
  stream = null;
  ended?.abort();
  busy(false);
  conversation.clear();
  $("turns").replaceChildren();
  delete document.body.dataset.filled;
  follow.rest();
  composer.focus();
}

function restore() {
  for (const turn of conversation.turns) {
    const answer = show(turn, null);
    answer.announcer = announcer;
    if (turn.reasoning) answer.reasoning(turn.reasoning);
    if (turn.text) answer.text(turn.text);
    answer.settle(turn);
  }
  if (conversation.turns.length) follow.now();
}

$("new").addEventListener("click", restart);
$("jump").addEventListener("click", () => {
  follow.now();
  composer.focus();
});
$("suggestions").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) send(button.dataset.ask);
  composer.focus();
});
$("turns").addEventListener("click", ({ target }) => {
  const button = target.closest(".code .copy");
  if (button) copy(button.closest(".code").querySelector("pre").textContent, button);
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !stream) return;
  event.preventDefault();
  stop();
});
addEventListener("pagehide", () => conversation.save());

restore();
loadModels();
if (matchMedia("(hover: hover)").matches) composer.focus();
