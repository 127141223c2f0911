/**
 * The turns of one conversation on the page.
 *
 * Knows which turns stand there, and in which order. What a reader does with a turn, others decide.
 */

import { TurnView } from "../answer/turn-view.js";
import { canContinue, isPending } from "../conversation/turn.js";
import { leftOutOf } from "../conversation/messages.js";

/** @import { Announcer } from "../answer/announcer.js" */
/** @import { TurnActions } from "../answer/turn-view.js" */
/** @import { Conversation } from "../conversation/conversation.js" */
/** @import { Turn } from "../conversation/turn.js" */

/** Shows the turns of a conversation. */
export class TurnList {
  /** @type {Map<string, TurnView>} The views of the turns that stand there, by the turns' ids. */
  #views = new Map();

  /**
   * @param {HTMLElement} element
   * @param {HTMLTemplateElement} template the template of a turn
   * @param {object} options
   * @param {Announcer} options.announcer reads answers out
   * @param {() => void} options.onGrow called when the list became longer
   * @param {(turn: Turn) => TurnActions} options.actionsOf what a reader can do with a turn
   */
  constructor(element, template, { announcer, onGrow, actionsOf }) {
    this.element = element;
    this.template = template;
    this.announcer = announcer;
    this.onGrow = onGrow;
    this.actionsOf = actionsOf;
  }

  /** @param {Turn} turn one that stands there */
  viewOf(turn) {
    return this.#views.get(turn.id);
  }

  /** The view of the last turn; undefined where there is none. */
  get last() {
    return [...this.#views.values()].at(-1);
  }

  /**
   * Show the turns of a conversation: those that stand there stay, others come and go.
   *
   * @param {Conversation} conversation
   * @returns {Turn[]} the turns that were not there before
   */
  show(conversation) {
    const { turns } = conversation;
    const ids = new Set(turns.map(({ id }) => id));
    for (const [id, view] of this.#views) if (!ids.has(id)) this.#drop(id, view);
    const added = turns.filter(({ id }) => !this.#views.has(id));
    const views = new Map(turns.map((turn) => [turn.id, this.#views.get(turn.id) ?? this.#create(turn)]));
    this.#views = views;
    for (const [place, view] of [...views.values()].entries()) {
      if (this.element.children[place] !== view.element) this.element.insertBefore(view.element, this.element.children[place] ?? null);
    }
    document.body.toggleAttribute("data-filled", turns.length > 0);
    this.describe(conversation);
    return added;
  }

  /**
   * Show a turn as it is now, from its beginning.
   *
   * @param {Turn} turn
   */
  refresh(turn) {
    const view = this.#views.get(turn.id);
    view?.reset(turn.note);
    if (view) this.#restore(view, turn);
  }

  /**
   * Show of each turn which version it is, what of it is not sent, and whether its answer can go on.
   *
   * @param {Conversation} conversation
   */
  describe(conversation) {
    const sent = new Set(conversation.sentTurns);
    for (const turn of conversation.turns) {
      const view = this.#views.get(turn.id);
      const versions = conversation.versionsOf(turn);
      view?.showVersion(versions.indexOf(turn), versions.length);
      view?.showLeftOut(isPending(turn) ? "" : sent.has(turn) ? (leftOutOf(turn) ?? "") : "earlier");
      view?.offerToContinue(canContinue(turn));
    }
  }

  /** Remove all turns from the page. */
  clear() {
    for (const [id, view] of this.#views) this.#drop(id, view);
    document.body.removeAttribute("data-filled");
  }

  /** @type {(id: string, view: TurnView) => void} */
  #drop(id, view) {
    view.remove();
    this.#views.delete(id);
  }

  /** @param {Turn} turn */
  #create(turn) {
    const { announcer, onGrow } = this;
    const view = new TurnView(this.template, turn, { announcer, onGrow, actions: this.actionsOf(turn) });
    this.#restore(view, turn);
    return view;
  }

  /** @type {(view: TurnView, turn: Turn) => void} Show what had come before. It is not read out. */
  #restore(view, turn) {
    this.announcer.isMuted = true;
    view.restore(turn);
    if (!isPending(turn)) view.finish(turn);
    this.announcer.isMuted = false;
  }
}
