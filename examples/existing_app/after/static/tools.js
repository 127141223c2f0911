/** The tools of the support chat: shows each call with its result, or asks the customer whether it may run. */

import { Prose } from "/assistant/headrace-static/answer/prose.js";

const TITLES = { order_status: "Look up order", cancel_order: "Cancel order" };
const turns = document.querySelector("#turns");
let decisions = {}; // about the calls of the last answer, by their ids

function create(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Show a `tool` event of an answer, and return the place where the answer's text goes on. */
export function showTool(article, { type, cursor, json, delta, ...event }, prose) {
  const isNew = event.name !== undefined;
  if (isNew) {
    prose.end();
    prose = new Prose();
    article.append(create("div", { className: "tool" }), prose.element);
  }
  // A call of this answer has a number. One that was decided about is of an earlier answer, and has its id alone.
  const calls = isNew ? [prose.element.previousSibling] : [...turns.querySelectorAll(".tool")];
  const isMeant = (call) => (event.call === undefined ? call.id === event.id : call.call === event.call);
  const found = calls.findLast((element) => isNew || isMeant(JSON.parse(element.dataset.call)));
  if (delta === undefined && found) showCall(found, { ...JSON.parse(found.dataset.call ?? "{}"), ...event });
  return prose;
}

function showCall(element, call) {
  const { id, name, arguments: values = {}, approval, result, error = result } = call;
  const title = [TITLES[name] ?? name, ...Object.values(values)].join(" ");
  element.dataset.call = JSON.stringify(call);
  if (error !== undefined) {
    const text = typeof error === "string" ? error : JSON.stringify(error);
    element.replaceChildren(create("details", {}, create("summary", {}, title), create("pre", {}, text)));
  } else if (approval && !(id in decisions)) {
    const button = (text, className, isApproved) => {
      const onclick = () => decide(element, call, isApproved);
      return create("button", { className, ariaLabel: `${text}: ${title}`, onclick }, text);
    };
    element.replaceChildren(create("p", {}, `${title}?`), button("Yes", "", true), " ", button("No", "quiet", false));
  } else {
    element.replaceChildren(create("p", {}, title));
  }
}

/** Note a decision of the customer's. The answer goes on when no call of it waits any more. */
function decide(element, call, isApproved) {
  decisions[call.id] = isApproved;
  showCall(element, call);
  document.querySelector("#ask textarea").focus();
  if (element.closest("article").querySelector(".tool button")) return;
  turns.dispatchEvent(new CustomEvent("decided", { detail: decisions }));
  decisions = {};
}

for (const element of turns.querySelectorAll(".tool")) showCall(element, JSON.parse(element.dataset.call));
