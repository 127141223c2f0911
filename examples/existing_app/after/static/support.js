/** The support chat: shows a conversation, and an answer as it is written, also after a reload. */

import { Prose } from "/assistant/headrace-static/answer/prose.js";
import { streamAnswer } from "/assistant/headrace-static/network/resumable-connection.js";
import { stopStream } from "/assistant/headrace-static/network/stop-stream.js";
import { newStreamId } from "/assistant/headrace-static/network/stream-id.js";

const turns = document.querySelector("#turns");
const form = document.querySelector("#ask");
const { question, send, stop, csrf_token } = form.elements;
const options = { api: "/assistant/api", url: form.action, headers: () => ({ "X-CSRFToken": csrf_token.value }) };

function show(tag, className, text = "") {
  const element = Object.assign(document.createElement(tag), { className, textContent: text });
  turns.append(element);
  return element;
}

function showMarkdown(article, text) {
  const prose = new Prose();
  prose.append(text);
  article.replaceChildren(prose.element);
  return prose;
}

function setBusy(isBusy) {
  turns.ariaBusy = send.disabled = isBusy;
  stop.hidden = !isBusy;
}

/** Ask a question, or go on with its answer. The tab remembers it until the page comes with the answer in it. */
async function answer(asked) {
  const remember = (news = {}) => sessionStorage.setItem(options.url, JSON.stringify(Object.assign(asked, news)));
  remember();
  show("article", "user", asked.question);
  const article = show("article", "assistant");
  let prose = showMarkdown(article, "");
  stop.onclick = () => stopStream(`${options.api}/streams/${asked.id}`, asked);
  setBusy(true);
  for await (const event of streamAnswer({ ...asked, body: { question: asked.question } }, options)) {
    if (event.type === "accepted") remember({ isAccepted: true });
    if (event.type === "restart") prose = showMarkdown(article, ""); // another model begins again
    if (event.type === "delta") prose.append(event.text);
    if (event.type === "cancelled") show("p", "soft", "Stopped.");
    if (event.type === "error") show("p", "soft", event.message), sessionStorage.removeItem(options.url);
  }
  prose.end();
  setBusy(false);
}

for (const article of turns.querySelectorAll(".assistant")) showMarkdown(article, article.textContent).end();
const asked = JSON.parse(sessionStorage.getItem(options.url));
if (asked && !turns.querySelector(`[data-stream="${asked.id}"]`)) answer(asked);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", options.url);
  answer({ id: newStreamId(), question: question.value, isAccepted: false });
  question.value = "";
});
