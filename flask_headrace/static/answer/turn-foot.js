/**
 * The foot of an answer: what it took, and what a reader can do with it once it has ended.
 */

import { createElement } from "../dom/elements.js";
import { closeOutside } from "../dom/menu.js";
import { translate } from "../words/words.js";
import { answerFacts } from "./facts.js";

/** @import { ShownTurn, TurnState } from "./parts.js" */

/**
 * What is copied: the answer as it was written, the answer as it reads, or the request as a command.
 * @typedef {"source" | "text" | "curl"} CopyForm
 *
 * What the reader does: has the answer written anew, or copied.
 * @typedef {{regenerate: () => void, copy: (form: CopyForm) => void}} FootActions
 */

/** Shows the foot of one answer. */
export class TurnFoot {
  /**
   * @param {Record<string, HTMLElement>} parts the elements of the turn
   * @param {FootActions} actions
   */
  constructor(parts, actions) {
    this.parts = parts;
    const { regenerate, copy, copyPlain, copyCurl, menu } = parts;
    regenerate.addEventListener("click", () => actions.regenerate());
    copy.addEventListener("click", () => actions.copy("source"));
    copyPlain.addEventListener("click", () => actions.copy("text"));
    copyCurl.addEventListener("click", () => actions.copy("curl"));
    closeOutside(/** @type {HTMLDetailsElement} */ (menu));
  }

  /** @param {boolean} isDocument whether the answer that begins is a JSON document */
  reset(isDocument) {
    const { copy, label, facts } = this.parts;
    label.textContent = translate(isDocument ? "turn.copy-json" : "turn.copy");
    delete copy.dataset.says;
    facts.replaceChildren();
  }

  /** @type {(state: TurnState, hasText: boolean) => void} Show what can be done with an answer in this state. */
  show(state, hasText) {
    const { foot, copy, copyPlain, regenerate } = this.parts;
    foot.hidden = state === "waiting" || state === "flowing" || state === "undecided";
    copy.hidden = !hasText;
    copyPlain.hidden = !hasText;
    regenerate.hidden = state === "failed";
  }

  /**
   * Show what the answer took.
   *
   * @param {Pick<ShownTurn, "model" | "times" | "usage">} turn
   */
  showFacts({ model, times, usage }) {
    const facts = [...(model ? [model] : []), ...answerFacts({ times, usage })];
    this.parts.facts.replaceChildren(...facts.map((fact) => createElement("li", { textContent: fact })));
  }
}
