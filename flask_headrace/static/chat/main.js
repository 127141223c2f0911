/**
 * The chat page: wires the parts to each other.
 *
 * Knows which part does what, and the one answer that may be coming. All else is in the parts.
 */

import { Announcer } from "./announcer.js";
import { Answer } from "./answer.js";
import { copy } from "./clipboard.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Follow } from "./follow.js";
import { Key } from "./key.js";
import { Models } from "./models.js";
import { isBegun } from "./parts.js";
import { Reception } from "./reception.js";
import { ask } from "./resumption.js";
import { stop as stopStream } from "./stopping.js";
import { Storage } from "./storage.js";
import { Structured } from "./structured.js";

const $ = (id) => document.getElementById(id);
const api = document.body.dataset.api;
const prefix = `headrace:${api}:`;
/** Milliseconds for which a question may be on its way. After that, only its reader may ask it again. */
const ARRIVAL = 120_000;
const conversation = new Conversation(new Storage("sessionStorage", prefix), new Storage("localStorage", prefix));
const models = new Models($("model"), $("about"), new Storage("localStorage", prefix));
const structured = new Structured($("structured"), $("shape"), new Storage("localStorage", prefix));
const announcer = new Announcer($("spoken"));
const follow = new Follow(offerJump);
const key = new Key($("key"), new Storage("sessionStorage", prefix), () => {
  loadModels();
  // The field goes away, and would take the focus with it.
  composer.focus();
  $("turns").querySelector(".turn:last-child[data-state=failed] [data-part=retry]")?.click();
});
const composer = new Composer($("composer"), { send, stop });
let coming = null;

function send(question) {
  if (coming || !structured.check()) return false;
  const turn = conversation.add(question, models.chosen, structured.schema);
  const answer = show(turn, announcer);
  follow.now();
  receive(turn, answer);
  return true;
}

/** End the answer that is coming, wherever it is made. */
function stop() {
  if (!coming) return;
  const { control, turn } = coming;
  if (turn.stream) stopStream(`${api}/streams/${turn.stream.id}`, { isBegun: turn.stream.isBegun, headers: key.headers });
  control.abort();
}

function show(turn, reader) {
  const answer = new Answer($("turn"), turn, { announcer: reader, grown: () => follow.grown() });
  for (const part of ["retry", "regenerate"]) {
    answer.parts[part].addEventListener("click", () => {
      if (coming) return;
      composer.focus();
      if (turn.stream) resume(turn, answer);
      else restart(turn, answer);
    });
  }
  answer.parts.copy.addEventListener("click", ({ currentTarget }) => copied(answer.copied, currentTarget));
  $("turns").append(answer.element);
  document.body.dataset.filled = "";
  return answer;
}

function restart(turn, answer) {
  if (!structured.check()) return;
  conversation.restart(turn, models.chosen, structured.schema);
  answer.begin();
  receive(turn, answer);
}

/** Go on with an answer that was given up; where the server has no more of it, ask anew. */
async function resume(turn, answer) {
  Object.assign(turn, { state: isBegun(turn.parts) ? "flowing" : "waiting", note: "" });
  answer.begin();
  answer.restore(turn);
  const { isGone } = await receive(turn, answer);
  if (isGone && !coming) restart(turn, answer);
}

async function receive(turn, answer) {
  const own = { turn, control: new AbortController() };
  coming = own;
  busy(true);
  announcer.say(isBegun(turn.parts) ? "The answer goes on." : "Asked. Waiting for the answer.");
  const reception = new Reception(turn, answer, announcer);
  const body = { messages: conversation.messagesFor(turn), model: turn.stream.model, schema: turn.schema };
  const options = { api, signal: own.control.signal, headers: () => key.headers };
  conversation.save();
  for await (const event of ask({ ...turn.stream, body }, options)) {
    if (coming !== own) break;
    reception.take(event);
    if (event.code === "unauthorized") key.ask();
    conversation.grown();
  }
  if (coming !== own) return reception;
  coming = null;
  busy(false);
  conversation.save();
  return reception;
}

/** The end of the page is in sight, or one may want to go there. */
function offerJump(isAtEnd) {
  const hadFocus = document.activeElement === $("jump");
  $("jump").hidden = isAtEnd;
  if (isAtEnd && hadFocus) composer.focus();
}

async function copied(text, button) {
  announcer.say(await copy(text, button));
}

function loadModels() {
  models.load(`${api}/models`, key.headers, () => key.ask());
}

function busy(isBusy) {
  composer.busy = isBusy;
  document.body.toggleAttribute("data-flowing", isBusy);
}

function clear() {
  // Another tab that has asked reads on.
  if (coming?.turn.stream?.isShared) coming.control.abort();
  else stop();
  coming = null;
  busy(false);
  conversation.clear();
  $("turns").replaceChildren();
  delete document.body.dataset.filled;
  follow.rest();
  composer.focus();
}

function restore() {
  for (const turn of conversation.turns) {
    const isComing = turn === conversation.coming;
    const answer = show(turn, isComing ? announcer : null);
    answer.announcer = announcer;
    answer.restore(turn);
    if (isComing) goOn(turn, answer);
    else answer.settle(turn);
  }
  if (conversation.turns.length) follow.now();
}

/** The page was loaded again in the middle of an answer. */
function goOn(turn, answer) {
  const { isBegun, asked } = turn.stream;
  if (isBegun || Date.now() - asked < ARRIVAL) return receive(turn, answer);
  Object.assign(turn, { state: "failed", note: "This question was never answered.", stream: null });
  answer.settle(turn);
}

$("new").addEventListener("click", clear);
$("jump").addEventListener("click", () => {
  follow.now();
  composer.focus();
});
$("suggestions").addEventListener("click", ({ target }) => {
  const { ask, shape } = target.closest("button")?.dataset ?? {};
  if (shape) structured.take(shape);
  if (ask) send(ask);
  composer.focus();
});
$("turns").addEventListener("click", ({ target }) => {
  const button = target.closest(".code .copy");
  if (button) copied(button.closest(".code").querySelector("pre").textContent, button);
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !coming) return;
  event.preventDefault();
  stop();
});
addEventListener("pagehide", () => conversation.save());

restore();
loadModels();
if (matchMedia("(hover: hover)").matches) composer.focus();
