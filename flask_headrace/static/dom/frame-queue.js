/**
 * Work on what is shown that can wait for the next frame, and that is done in small portions: many deltas come within one
 * frame, and a long conversation that is opened again has much to do at once.
 */

/** Characters of code, or as much other work, that are read in one frame: a few milliseconds. */
const FRAME_BUDGET = 8_000;

/**
 * @typedef {object} FrameWork
 * @property {(budget: number) => number} render does its work, or about as much of it as the budget allows, and returns how much
 *   that was; if there is more, it adds itself to the queue again
 */

/** Does the work that was added last first: the end of a conversation is what its reader sees. */
export class FrameQueue {
  /** @type {Set<FrameWork>} In the order in which it was added. */
  #waiting = new Set();
  #isScheduled = false;

  /** @param {(callback: () => void) => unknown} [nextFrame] calls back before the next frame is drawn */
  constructor(nextFrame = (callback) => requestAnimationFrame(callback)) {
    this.nextFrame = nextFrame;
  }

  /** @param {FrameWork} work done once, however often it is added before the next frame */
  add(work) {
    this.#waiting.delete(work);
    this.#waiting.add(work);
    this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.nextFrame(() => this.#run());
  }

  #run() {
    this.#isScheduled = false;
    let budget = FRAME_BUDGET;
    try {
      for (const work of [...this.#waiting].reverse()) {
        if (budget <= 0) break;
        this.#waiting.delete(work);
        budget -= work.render(budget);
      }
    } finally {
      if (this.#waiting.size) this.#schedule();
    }
  }
}

/** The queue of the page. */
export const frames = new FrameQueue();
