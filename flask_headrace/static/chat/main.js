/**
 * The chat page: connects its parts with each other.
 *
 * Knows which part does what, and the one answer that may be coming. Everything else is in the parts.
 */

import { Announcer } from "../answer/announcer.js";
import { findCall, hasContent, isUndecided } from "../answer/parts.js";
import { ScrollFollower } from "../answer/scroll-follower.js";
import { TurnView } from "../answer/turn-view.js";
import { findElement } from "../dom/elements.js";
import { encodeJSON } from "../json/json-text.js";
import { streamAnswer } from "../network/resumable-connection.js";
import { stopStream } from "../network/stop-stream.js";
import { ApiKey } from "./api-key.js";
import { copyText } from "./clipboard.js";
import { Composer } from "./composer.js";
import { Conversation, undecidedCalls } from "./conversation.js";
import { EventReducer } from "./event-reducer.js";
import { ModelSelect } from "./models.js";
import { RetryOffer } from "./retry-offer.js";
import { SchemaPanel } from "./schema-panel.js";
import { JSONStorage } from "./storage.js";

/** @import { Decision } from "../answer/parts.js" */
/** @import { Turn } from "./conversation.js" */

/** Time for which a question may be on its way. After that, only the reader can send it again. */
const MAX_ARRIVAL_MS = 120_000;

/** @type {(id: string) => HTMLElement} */
const find = (id) => findElement(document, `#${id}`, HTMLElement);

const api = document.body.dataset.api ?? "";
const tabStorage = new JSONStorage("sessionStorage", `headrace:${api}:`);
const browserStorage = new JSONStorage("localStorage", `headrace:${api}:`);

const turns = find("turns");
const jumpButton = find("jump");
const turnTemplate = findElement(document, "#turn", HTMLTemplateElement);
const conversation = new Conversation(tabStorage, browserStorage);
const models = new ModelSelect(findElement(document, "#model", HTMLSelectElement), find("about"), browserStorage);
const schemaPanel = new SchemaPanel(find("structured"), find("shape"), browserStorage);
const announcer = new Announcer(find("spoken"));
const follower = new ScrollFollower(showJumpButton);
const apiKey = new ApiKey(/** @type {HTMLFormElement | null} */ (document.querySelector("#key")), tabStorage, useKey);
const retryOffer = new RetryOffer(apiKey);
const composer = new Composer(findElement(document, "#composer", HTMLFormElement), { send, stop });

/** @type {WeakMap<Turn, TurnView>} */
const views = new WeakMap();
/** @type {{turn: Turn, controller: AbortController} | null} The answer that is coming. */
let current = null;

/**
 * Send a question, and return whether that was possible.
 *
 * @param {string} question
 */
function send(question) {
  if (current || !schemaPanel.validate()) return false;
  skipDecisions();
  const turn = conversation.add(question, models.selected, schemaPanel.schema);
  const view = showTurn(turn, announcer);
  follower.start();
  receive(turn, view);
  return true;
}

/** Stop the answer that is coming, on the server as well. */
function stop() {
  if (!current) return;
  const { controller, turn } = current;
  if (turn.stream) {
    const { id, isAccepted } = turn.stream;
    stopStream(`${api}/streams/${id}`, { isAccepted, headers: apiKey.headers });
  }
  controller.abort();
}

/**
 * Show a turn at the end of the page, and return its view.
 *
 * @param {Turn} turn
 * @param {Announcer | null} reader reads the answer out; null for no one
 */
function showTurn(turn, reader) {
  /** @type {(index: number, decision: Decision) => void} */
  const onDecide = (index, decision) => decide(turn, view, index, decision);
  const view = new TurnView(turnTemplate, turn, { announcer: reader, onGrow: () => follower.keepUp(), onDecide });
  /** @type {(part: string, ask: () => void) => void} */
  const listen = (part, ask) => view.parts[part].addEventListener("click", () => {
    if (current) return;
    composer.focus();
    if (turn.stream) resume(turn, view);
    else ask();
  });
  listen("retry", () => retry(turn, view));
  listen("regenerate", () => askAgain(turn, view));
  views.set(turn, view);
  const { copy } = view.parts;
  copy.addEventListener("click", () => copyAndSay(view.copyText, copy));
  turns.append(view.element);
  document.body.dataset.filled = "";
  return view;
}

/** @type {(turn: Turn, view: TurnView) => void} Request a new answer in place of the one before. */
function askAgain(turn, view) {
  if (!schemaPanel.validate()) return;
  conversation.restart(turn, models.selected, schemaPanel.schema);
  view.reset();
  receive(turn, view);
}

/** @type {(turn: Turn, view: TurnView) => void} Request the rest of an answer that broke off, after the tools that have run. */
function retry(turn, view) {
  if (!schemaPanel.validate()) return;
  conversation.retry(turn, models.selected, schemaPanel.schema);
  view.reset();
  view.restore(turn);
  receive(turn, view);
}

/** @type {(turn: Turn, view: TurnView, index: number, decision: Decision) => void} Record what the reader has decided about a tool call. */
function decide(turn, view, index, decision) {
  const call = findCall(turn.parts, index);
  if (!call || !isUndecided(call)) return;
  conversation.decide(call, decision);
  view.append({ type: "call", index, text: "", decision });
  if (!view.focusUndecided()) composer.focus();
  if (!current) proceed(turn, view);
}

/** @type {(turn: Turn, view: TurnView) => boolean} Go on with an answer once the reader has decided about all its calls; return whether it does. */
function proceed(turn, view) {
  if (turn.state !== "undecided" || undecidedCalls(turn).length) return false;
  conversation.proceed(turn);
  view.proceed();
  follower.start();
  receive(turn, view);
  return true;
}

/** Show which tools do not run, because the reader goes on without a decision. */
function skipDecisions() {
  const { turn, calls } = conversation.skipDecisions() ?? {};
  const view = turn && views.get(turn);
  for (const { index } of calls ?? []) view?.append({ type: "call", index, text: "", isSkipped: true });
  if (turn) view?.finish(turn);
}

/** @type {(turn: Turn, view: TurnView) => Promise<void>} Resume an answer; if the server has lost it, send the question again. */
async function resume(turn, view) {
  Object.assign(turn, { state: hasContent(turn.parts) ? "flowing" : "waiting", note: "" });
  view.reset();
  view.restore(turn);
  const { isGone } = await receive(turn, view);
  if (isGone && !current) retry(turn, view);
}

/** @type {(turn: Turn, view: TurnView) => Promise<EventReducer>} Receive the answer of a turn until it ends. */
async function receive(turn, view) {
  const own = { turn, controller: new AbortController() };
  current = own;
  retryOffer.cancel();
  setBusy(true);
  announcer.say(hasContent(turn.parts) ? "The answer goes on." : "Asked. Waiting for the answer.");
  const reducer = new EventReducer(turn, view, announcer);
  const body = { messages: conversation.messagesFor(turn), model: turn.stream?.model, schema: turn.schema };
  const options = { api, encode: encodeJSON, signal: own.controller.signal, headers: () => apiKey.headers };
  conversation.save();
  for await (const event of streamAnswer({ ...streamOf(turn), body }, options)) {
    if (current !== own) break;
    reducer.apply(event);
    conversation.saveSoon();
  }
  if (current !== own) return reducer;
  current = null;
  setBusy(false);
  const ask = () => void (current || (turn.stream ? resume(turn, view) : retry(turn, view)));
  if (reducer.failure) retryOffer.show(turn, reducer.failure, view.parts, ask);
  if (!proceed(turn, view) && turn.state === "undecided" && composer.isUnused) {
    view.focusUndecided({ preventScroll: !follower.isFollowing });
  }
  conversation.save();
  return reducer;
}

/** @param {Turn} turn a turn whose answer can be requested or resumed */
function streamOf({ stream }) {
  if (stream) return stream;
  throw new TypeError("this turn has no stream to receive: its answer has ended");
}

/** @param {boolean} isAtEnd whether the end of the page is in sight; if not, the reader may want to go there */
function showJumpButton(isAtEnd) {
  const hadFocus = document.activeElement === jumpButton;
  jumpButton.hidden = isAtEnd;
  if (isAtEnd && hadFocus) composer.focus();
}

/** @type {(text: string, button: HTMLElement) => Promise<void>} */
async function copyAndSay(text, button) {
  announcer.say(await copyText(text, button));
}

/** Repeat what was refused, now that a key was entered. */
function useKey() {
  loadModels();
  // The key's field is hidden now, and lost the focus.
  composer.focus();
  const retry = turns.querySelector(".turn:last-child[data-state=failed] [data-part=retry]");
  if (retry instanceof HTMLElement) retry.click();
}

/** Load the list of models; where the server requires a key, ask for one. */
function loadModels() {
  models.load(`${api}/models`, apiKey.headers, () => apiKey.request());
}

/** @param {boolean} isBusy whether an answer is coming */
function setBusy(isBusy) {
  composer.isBusy = isBusy;
  document.body.toggleAttribute("data-flowing", isBusy);
}

/** Begin a new chat. */
function clear() {
  // An answer that another tab requested goes on there.
  if (current?.turn.stream?.isShared) current.controller.abort();
  else stop();
  current = null;
  setBusy(false);
  conversation.clear();
  turns.replaceChildren();
  delete document.body.dataset.filled;
  follower.reset();
  composer.focus();
}

/** Show the stored conversation. */
function restore() {
  for (const turn of conversation.turns) {
    const isPending = turn === conversation.pending;
    const view = showTurn(turn, isPending ? announcer : null);
    view.announcer = announcer;
    view.restore(turn);
    if (isPending) resumeAfterReload(turn, view);
    else view.finish(turn);
  }
  if (conversation.turns.length) follower.start();
}

/** @type {(turn: Turn, view: TurnView) => void} Go on with an answer in the middle of which the page was loaded again. */
function resumeAfterReload(turn, view) {
  const { isAccepted, askedAt } = streamOf(turn);
  if (isAccepted || Date.now() - askedAt < MAX_ARRIVAL_MS) {
    receive(turn, view);
    return;
  }
  Object.assign(turn, { state: "failed", note: "This question was never answered.", stream: null });
  view.finish(turn);
}

/** @type {(event: Event) => HTMLButtonElement | null} Return the button on which an event happened, or null. */
function buttonOf({ target }) {
  return target instanceof Element ? target.closest("button") : null;
}

find("new").addEventListener("click", clear);
jumpButton.addEventListener("click", () => {
  follower.start();
  composer.focus();
});
find("suggestions").addEventListener("click", (event) => {
  const { ask, shape } = buttonOf(event)?.dataset ?? {};
  if (shape) schemaPanel.useExample(shape);
  if (ask) send(ask);
  composer.focus();
});
turns.addEventListener("click", (event) => {
  const button = buttonOf(event);
  const code = button?.matches(".code .copy") ? button.closest(".code")?.querySelector("pre") : null;
  if (button && code) copyAndSay(code.textContent ?? "", button);
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !current) return;
  event.preventDefault();
  stop();
});
addEventListener("pagehide", () => conversation.save());

restore();
loadModels();
const lastTurn = conversation.turns.at(-1);
const lastView = lastTurn && views.get(lastTurn);
if (lastTurn && lastView) proceed(lastTurn, lastView);
if (!lastView?.focusUndecided() && matchMedia("(hover: hover)").matches) composer.focus();
