/** The support chat: shows a conversation, and an answer as it is written, also after a reload. */

import { Prose } from "/assistant/headrace-static/answer/prose.js";
import { streamAnswer } from "/assistant/headrace-static/network/resumable-connection.js";
import { stopStream } from "/assistant/headrace-static/network/stop-stream.js";
import { newStreamId } from "/assistant/headrace-static/network/stream-id.js";
import { showTool } from "./tools.js";

const [turns, form] = document.querySelectorAll("#turns, #ask");
const { question, send, stop, csrf_token } = form.elements;
const options = { api: "/assistant/api", url: form.action, headers: () => ({ "X-CSRFToken": csrf_token.value }) };

function show(tag, className, text = "") {
  return turns.appendChild(Object.assign(document.createElement(tag), { className, textContent: text }));
}

function showMarkdown(element, text) {
  const prose = new Prose();
  prose.append(text);
  element.replaceChildren(prose.element);
  return prose;
}

function setBusy(isBusy) {
  turns.ariaBusy = send.disabled = isBusy;
  stop.hidden = !isBusy;
}

/** Ask a question, or go on with its answer. The tab remembers it until the page comes with the answer in it. */
async function answer(body, asked = { id: newStreamId(), body, isAccepted: false }) {
  const remember = (news = {}) => sessionStorage.setItem(options.url, JSON.stringify(Object.assign(asked, news)));
  remember();
  if (body.question) show("article", "user", body.question);
  const article = show("article", "assistant");
  let prose = showMarkdown(article, "");
  stop.onclick = () => stopStream(`${options.api}/streams/${asked.id}`, asked);
  setBusy(true);
  for await (const event of streamAnswer(asked, options)) {
    if (event.type === "accepted") remember({ isAccepted: true });
    if (event.type === "restart") prose = showMarkdown(article, ""); // another model begins again
    if (event.type === "delta") prose.append(event.text);
    if (event.type === "tool") prose = showTool(article, event, prose);
    if (event.type === "cancelled") show("p", "soft", "Stopped.");
    if (event.type === "error") show("p", "soft", event.message), sessionStorage.removeItem(options.url);
  }
  prose.end();
  setBusy(false);
}

for (const text of turns.querySelectorAll(".assistant .text")) showMarkdown(text, text.textContent).end();
const asked = JSON.parse(sessionStorage.getItem(options.url));
if (asked && !turns.querySelector(`[data-stream="${asked.id}"]`)) answer(asked.body, asked);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", options.url);
  answer({ question: question.value });
  question.value = "";
});
turns.addEventListener("decided", (event) => answer({ decisions: event.detail })); // from tools.js
