/**
 * What the page offers after a failure: to ask again, at once or after the wait that the server asks for.
 *
 * Knows the note of a turn, and one countdown. Does not know how a question is asked.
 */

import { describeError } from "../answer/error-text.js";
import { hasContent } from "../answer/parts.js";
import { createElement } from "../dom/elements.js";
import { RetryCountdown, countdownText } from "./retry-countdown.js";

/** @import { ShownTurn } from "../answer/parts.js" */

/** Offers what to do about the failure of the last turn. */
export class RetryOffer {
  /** @type {RetryCountdown | null} */
  #countdown = null;
  /** How often each turn was asked again without the reader. @type {WeakMap<object, number>} */
  #automaticRetries = new WeakMap();
  #isAutomatic = false;
  /** Ends what is shown of the wait. */
  #end = () => {};

  constructor() {
    globalThis.addEventListener("keydown", ({ key }) => {
      // A reader who presses stop does not want to be answered any more.
      if (key === "Escape") this.#isAutomatic = false;
    });
  }

  /**
   * Offer what to do about a failure.
   *
   * @param {Pick<ShownTurn, "parts" | "note">} turn
   * @param {{parts: Record<string, HTMLElement>} | undefined} view the turn on the page: its part `reason` is the text of the note,
   *   `retry` the button
   * @param {() => void} ask asks again, or goes on with the answer
   */
  show(turn, view, ask) {
    this.cancel();
    if (!view || !turn.note?.error) return;
    const { reason, retry } = view.parts;
    const count = this.#automaticRetries.get(turn) ?? 0;
    const circumstances = { hasBegun: hasContent(turn.parts), automaticRetries: count };
    const { text, waitSeconds, isAutomatic } = describeError(turn.note.error, circumstances);
    if (waitSeconds === null) return;
    this.#isAutomatic = isAutomatic;
    // An alert reads each change out: a screen reader hears the wait once, and does not hear it counted.
    const spoken = createElement("span", { className: "unseen", textContent: countdownText(waitSeconds, isAutomatic) });
    const counted = createElement("span", { ariaHidden: "true" });
    reason.replaceChildren(`${text} `, spoken, counted);
    retry.toggleAttribute("disabled", true);
    this.#end = () => {
      reason.textContent = text;
      retry.toggleAttribute("disabled", false);
    };
    this.#countdown = new RetryCountdown(waitSeconds, {
      onTick: (secondsLeft) => void (counted.textContent = countdownText(secondsLeft, this.#isAutomatic)),
      onEnd: () => {
        this.cancel();
        if (!this.#isAutomatic || !reason.isConnected) return;
        this.#automaticRetries.set(turn, count + 1);
        ask();
      },
    });
  }

  /** Count no longer, because something else is asked. Idempotent. */
  cancel() {
    this.#countdown?.cancel();
    this.#countdown = null;
    this.#end();
    this.#end = () => {};
  }
}
