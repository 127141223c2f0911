/**
 * The chat page: connects its parts with each other.
 */

import { Announcer } from "../answer/announcer.js";
import { ScrollFollower } from "../answer/scroll-follower.js";
import { findElement } from "../dom/elements.js";
import { openStore } from "../store/browser-store.js";
import { Saver } from "../store/saver.js";
import { setWords, translate } from "../words/words.js";
import { addressedId, onAddressChange, setAddress } from "./address.js";
import { ApiKey } from "./api-key.js";
import { Chat } from "./chat.js";
import { copyText } from "./clipboard.js";
import { Composer } from "./composer.js";
import { Drafts } from "./drafts.js";
import { ModelSelect } from "./models.js";
import { Notice } from "./notice.js";
import { showPageOptions } from "./page-looks.js";
import { RetryOffer } from "./retry-offer.js";
import { SchemaPanel } from "./schema-panel.js";
import { JSONStorage } from "./storage.js";
import { TurnList } from "./turn-list.js";

/** @import { StoreProblem } from "../store/conversation-store.js" */

/** An answer may be followed for so long after the conversation was kept: the longest answer, and its retention after its end. */
const MAX_COMING_MS = 15 * 60_000;

/** @type {(id: string) => HTMLElement} */
const find = (id) => findElement(document, `#${id}`, HTMLElement);

setWords(JSON.parse(find("words").textContent ?? "{}"), document.documentElement.lang);
showPageOptions(document);
const api = document.body.dataset.api ?? "";
const tabStorage = new JSONStorage("sessionStorage", `headrace:${api}:`);
const browserStorage = new JSONStorage("localStorage", `headrace:${api}:`);

const turns = find("turns");
const jumpButton = find("jump");
const notice = new Notice(find("notice"));
const store = await openStore(`headrace:${api}`, showStoreProblem);
const saver = new Saver(store, tabStorage);
const models = new ModelSelect(findElement(document, "#model", HTMLSelectElement), find("about"), browserStorage);
const schemaPanel = new SchemaPanel(find("structured"), find("shape"), browserStorage);
const announcer = new Announcer(find("spoken"));
const follower = new ScrollFollower(showJumpButton);
const drafts = new Drafts(browserStorage);
const apiKey = new ApiKey(/** @type {HTMLFormElement | null} */ (document.querySelector("#key")), tabStorage, useKey);
const retryOffer = new RetryOffer();
const composer = new Composer(findElement(document, "#composer", HTMLFormElement), {
  send,
  stop: () => chat.stop(),
  onInput: (text) => drafts.write(draftId(), text),
});
const turnTemplate = findElement(document, "#turn", HTMLTemplateElement);
const chat = new Chat((actionsOf) => new TurnList(turns, turnTemplate, { announcer, onGrow: () => follower.keepUp(), actionsOf }), {
  api,
  headers: () => apiKey.headers,
  store,
  saver,
  notice,
  say: (text) => announcer.say(text),
  request: () => (schemaPanel.validate() ? { model: models.selected, ...schemaPanel.request } : null),
  copy: copyAndSay,
  onShow: showAddress,
  onBusy: showBusy,
  onAsk: () => {
    follower.start();
    composer.focus();
  },
  onGoOn: () => follower.start(),
  onUnauthorized: () => apiKey.request(),
  onDecided: () => composer.focus(),
  onFailed: (turn, ask) => retryOffer.show(turn, chat.list.viewOf(turn), ask),
  onUndecided: (view) => composer.isUnused && view?.focusUndecided({ preventScroll: !follower.isFollowing }),
});

/** @param {string} question Send a question, and return whether that was possible. */
function send(question) {
  const id = draftId();
  const isSent = chat.send(question);
  if (isSent) drafts.write(id, "");
  return isSent;
}

/** The name of the draft in the field: a new conversation has none of its own yet. */
function draftId() {
  return chat.conversation.turns.length ? chat.conversation.id : "";
}

/** Let the address, the title and the field belong to the conversation that is on the page. */
function showAddress() {
  const { conversation } = chat;
  const isNew = !addressedId() && shownId === conversation.id;
  const isOther = shownId !== conversation.id;
  shownId = conversation.id;
  setAddress(draftId(), { isNew });
  document.title = conversation.title ? `${conversation.title} – ${pageTitle}` : pageTitle;
  if (isOther) composer.text = drafts.read(draftId());
}

/** Show whether an answer of the conversation on the page is coming. */
function showBusy() {
  const isBusy = chat.current !== undefined;
  composer.isBusy = isBusy;
  if (isBusy) retryOffer.cancel();
  document.body.toggleAttribute("data-flowing", isBusy);
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

/** @param {StoreProblem} problem */
function showStoreProblem({ code, titles = [] }) {
  notice.show(translate(`store.${code}`, { count: titles.length, title: titles[0] ?? "" }));
}

/** Repeat what was refused, now that a key was entered. */
function useKey() {
  loadModels();
  // The key's field is hidden now, and lost the focus.
  composer.focus();
  chat.retryRefused();
}

/** Load the list of models; where the server requires a key, ask for one. */
function loadModels() {
  models.load(`${api}/models`, apiKey.headers, () => apiKey.request());
}

/** Begin a new chat. */
function startNew() {
  chat.startNew();
  follower.reset();
  composer.focus();
}

/** @param {string} id of the conversation that is to be on the page; "" for a new one */
async function show(id) {
  if (id && id === chat.conversation.id) return;
  if (!id || !(await chat.open(id))) return startNew();
  follower.start();
}

/** Show the conversation that the address names; in a new tab without one, the one whose answer another tab has asked for. */
async function restore() {
  const id = addressedId() || (tabStorage.read("visited") ? "" : await comingId());
  tabStorage.write("visited", true);
  if (id) await show(id);
  else composer.text = drafts.read("");
}

/** Return the id of a conversation whose answer is coming; "" where there is none. */
async function comingId() {
  const summaries = await store.list();
  return summaries.find(({ isComing, changedAt }) => isComing && Date.now() - changedAt < MAX_COMING_MS)?.id ?? "";
}

/** @type {(event: Event) => HTMLButtonElement | null} Return the button on which an event happened, or null. */
function buttonOf({ target }) {
  return target instanceof Element ? target.closest("button") : null;
}

find("new").addEventListener("click", startNew);
jumpButton.addEventListener("click", () => {
  follower.start();
  composer.focus();
});
find("suggestions").addEventListener("click", (event) => {
  const { ask, shape } = buttonOf(event)?.dataset ?? {};
  if (shape) schemaPanel.useExample(shape);
  if (ask) chat.send(ask);
  composer.focus();
});
turns.addEventListener("click", (event) => {
  const button = buttonOf(event);
  const code = button?.matches(".code .copy") ? button.closest(".code")?.querySelector("pre") : null;
  if (button && code) copyAndSay(code.textContent ?? "", button);
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !chat.current) return;
  event.preventDefault();
  chat.stop();
});
addEventListener("pagehide", () => saver.flush());
onAddressChange(show);

const pageTitle = document.title;
let shownId = chat.conversation.id;
loadModels();
await saver.recover();
await restore();
const isFree = document.activeElement === document.body; // the key's field may have the focus
if (!chat.list.last?.focusUndecided() && isFree && matchMedia("(hover: hover)").matches) composer.focus();
