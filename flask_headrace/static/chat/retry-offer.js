/**
 * What the page offers after a failure: a key's form, or to ask again, at once or after the wait that the server asks for.
 *
 * Knows the note of a turn, and one countdown. Does not know how a question is asked.
 */

import { hasContent } from "../answer/parts.js";
import { createElement } from "../dom/elements.js";
import { describeError } from "./error-text.js";
import { RetryCountdown, countdownText } from "./retry-countdown.js";

/** @import { Part } from "../answer/parts.js" */
/** @import { ErrorEvent } from "../network/stream.js" */

/** Offers what to do about the failure of the last turn. */
export class RetryOffer {
  /** @type {RetryCountdown | null} */
  #countdown = null;
  /** How often each turn was asked again without the reader. @type {WeakMap<object, number>} */
  #automaticRetries = new WeakMap();
  #isAutomatic = false;
  /** Ends what is shown of the wait. */
  #end = () => {};

  /** @param {{request: () => void, key: string}} apiKey asks for a key, and has the one that was sent */
  constructor(apiKey) {
    this.apiKey = apiKey;
    globalThis.addEventListener("keydown", ({ key }) => {
      // A reader who presses stop does not want to be answered any more.
      if (key === "Escape") this.#isAutomatic = false;
    });
  }

  /**
   * Offer what to do about a failure.
   *
   * @param {{parts: Part[]}} turn
   * @param {ErrorEvent} error
   * @param {Record<string, HTMLElement>} view the turn on the page: `reason` is the text of its note, and `retry` its button
   * @param {() => void} ask asks again, or goes on with the answer
   */
  show(turn, error, { reason, retry }, ask) {
    this.cancel();
    const count = this.#automaticRetries.get(turn) ?? 0;
    const circumstances = { hasBegun: hasContent(turn.parts), hasKey: Boolean(this.apiKey.key), automaticRetries: count };
    const { text, action, waitSeconds, isAutomatic } = describeError(error, circumstances);
    if (action === "key") this.apiKey.request();
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
