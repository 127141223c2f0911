/**
 * The question whether a tool may run: the arguments as the service has read them, and two buttons.
 */

import { createElement } from "../dom/elements.js";
import { indentJSON, showInvisible } from "../json/json-text.js";
import { createTextBlock } from "./tool-outcome.js";

/** @import { Decision } from "./parts.js" */

/**
 * Return a form that asks whether a tool may run. It can be focused as a whole: no key that was meant for something else
 * approves anything then.
 *
 * @param {string} name the tool's name
 * @param {string} argumentsText the JSON text of its arguments
 * @param {(decision: Decision) => void} decide called with what the reader has decided
 */
export function createApprovalForm(name, argumentsText, decide) {
  const form = createElement("form", { className: "approval", tabIndex: -1, role: "group" });
  form.setAttribute("aria-label", `Approval needed: ${name}`);
  const ask = createElement("p");
  ask.append("May the model run ", createElement("b", { textContent: name }), " with these arguments?");
  const reason = createElement("input", { type: "text", maxLength: 1000, autocomplete: "off", placeholder: "Why not (optional)" });
  reason.setAttribute("aria-label", `Why ${name} may not run, for the model (optional)`);
  const approve = createButton("approve", "Approve", name);
  // Enter in the field for the reason is a denial, too.
  const deny = createButton("deny", "Deny", name);
  deny.type = "submit";
  approve.addEventListener("click", () => decide({ approved: true }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = reason.value.trim();
    decide({ approved: false, ...(words && { reason: words }) });
  });
  const choices = createElement("div", { className: "choices" });
  const denial = createElement("div", { className: "denial" });
  denial.append(deny, reason);
  choices.append(approve, denial);
  const shown = createTextBlock(showInvisible(indentJSON(argumentsText)), `Arguments of ${name}`, "ltr");
  form.append(ask, shown, choices);
  return form;
}

/** @type {(className: string, label: string, name: string) => HTMLButtonElement} */
function createButton(className, label, name) {
  const button = createElement("button", { type: "button", className, textContent: label });
  button.setAttribute("aria-label", `${label} ${name}`);
  return button;
}
