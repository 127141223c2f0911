/**
 * The chat: which conversation is on the page, what its reader does, and which answers are coming.
 *
 * An answer goes on while another conversation is on the page. Everything else is in the parts.
 */

import { findCall, isUndecided } from "../answer/parts.js";
import { Conversation } from "../conversation/conversation.js";
import { canContinue, undecidedCalls } from "../conversation/turn.js";
import { translate } from "../words/words.js";
import { AnswerRuns } from "./answer-runs.js";
import { copyTurn } from "./copied-turn.js";

/** @import { Decision } from "../answer/parts.js" */
/** @import { TurnActions, TurnView } from "../answer/turn-view.js" */
/** @import { StoredConversation } from "../conversation/conversation.js" */
/** @import { Request, Turn } from "../conversation/turn.js" */
/** @import { ConversationStore, StoreChange } from "../store/conversation-store.js" */
/** @import { Saver } from "../store/saver.js" */
/** @import { Notice } from "./notice.js" */
/** @import { TurnList } from "./turn-list.js" */

/**
 * What the chat uses, and whom it tells. `request` returns what is asked beside a question, or null where that is not valid; `onShow` is
 * called when another conversation, or another part of it, is on the page; `onBusy` when an answer of this conversation begins
 * to come, or has ended; `onAsk` when the reader asks, `onGoOn` when an answer goes on by itself; `onUnauthorized` when the service asks for a key;
 * `onUndecided` when an answer waits for the reader's decisions, `onDecided` when all of them are made.
 * @typedef {object} ChatOptions
 * @property {string} api
 * @property {() => Record<string, string>} headers
 * @property {ConversationStore} store
 * @property {Saver} saver
 * @property {Notice} notice
 * @property {(text: string) => void} say
 * @property {() => Request | null} request
 * @property {(text: string, button: HTMLElement) => void} copy
 * @property {() => void} onShow
 * @property {() => void} onBusy
 * @property {() => void} onAsk
 * @property {() => void} onGoOn
 * @property {() => void} onUnauthorized
 * @property {(view: TurnView | undefined) => void} onUndecided
 * @property {() => void} onDecided
 * @property {(turn: Turn, ask: () => void) => void} onFailed called when an answer has failed; `ask` asks again
 */

/** Shows one conversation, and receives the answers of all. */
export class Chat {
  conversation = new Conversation();
  /** The id of the conversation that is being read; "" where none is. */
  #opening = "";

  /**
   * @param {(actionsOf: (turn: Turn) => TurnActions) => TurnList} createList
   * @param {ChatOptions} options
   */
  constructor(createList, options) {
    this.list = createList((turn) => this.#actionsOf(turn));
    this.options = options;
    this.runs = new AnswerRuns({ ...options, onEnd: (conversation) => this.#onAnswerEnd(conversation) });
    options.store.onChange((change) => this.#onChange(change));
  }

  /** The answer of this conversation that is coming; undefined where none is. */
  get current() {
    return this.runs.coming(this.conversation);
  }

  /** Show a new conversation. An answer that is coming goes on. */
  startNew() {
    this.#opening = "";
    this.#show(new Conversation());
  }

  /**
   * Show a kept conversation, unless the reader has gone on to another one meanwhile; return whether there is one with this id.
   *
   * @param {string} id
   */
  async open(id) {
    this.#opening = id;
    const running = this.runs.conversation(id);
    const stored = running ? null : await this.options.store.read(id);
    if (!running && !stored) return this.#opening !== id;
    if (this.#opening === id) this.#show(running ?? new Conversation(stored ?? undefined));
    return true;
  }

  /**
   * Send a question, and return whether that was possible.
   *
   * @param {string} question
   */
  send(question) {
    const request = this.#request();
    if (!request) return false;
    this.#skipDecisions();
    this.#ask(this.conversation.add(question, request));
    return true;
  }

  /** Stop the answer that is coming, on the server as well. */
  stop() {
    this.current?.stop();
  }

  /** Repeat the last question, if it was refused: the reader has entered a key. */
  retryRefused() {
    const turn = this.conversation.turns.at(-1);
    if (turn?.state === "failed") this.#retry(turn);
  }

  /** Go on with the last answer, if its reader has decided about all its calls; return whether it does. */
  proceed() {
    const turn = this.conversation.turns.at(-1);
    if (this.current || turn?.state !== "undecided" || undecidedCalls(turn).length) return false;
    this.conversation.proceed(turn);
    this.list.viewOf(turn)?.proceed();
    this.options.onGoOn();
    this.#receive(turn);
    return true;
  }

  /** @param {Conversation} conversation */
  #show(conversation) {
    this.list.clear();
    this.conversation = conversation;
    this.list.show(conversation);
    this.runs.attach(this.list);
    this.options.onShow();
    this.options.onBusy();
    this.#follow();
    this.proceed();
  }

  /** @param {Conversation} conversation one of which an answer has ended, to the reader's eye */
  #onAnswerEnd(conversation) {
    if (conversation === this.conversation) this.list.describe(conversation);
    this.options.onBusy();
  }

  /** What is asked beside a question; null while an answer is coming, and where it is not valid. */
  #request() {
    return this.current ? null : this.options.request();
  }

  /** @type {(turn: Turn) => TurnActions} */
  #actionsOf(turn) {
    const ask = (/** @type {(request: Request) => Turn} */ prepare) => {
      const request = this.#request();
      if (request) this.#ask(prepare(request));
      return request !== null;
    };
    return {
      retry: () => this.#retry(turn),
      goOn: () => ask((request) => (canContinue(turn) ? this.conversation.continueAnswer(turn, request) : this.conversation.retry(turn, request))),
      regenerate: () => ask((request) => this.conversation.askAgain(turn, request)),
      edit: (question) => ask((request) => this.conversation.askAgain(turn, request, question)),
      remove: () => this.#remove(turn),
      select: (step) => this.#select(turn, step),
      copy: (form) => copyTurn(this.conversation, turn, this.list.viewOf(turn), { ...this.options, form }),
      decide: (index, decision) => this.#decide(turn, index, decision),
    };
  }

  /** @param {Turn} turn Ask for an answer that was refused, or broke off; one that the server may still have, is resumed. */
  #retry(turn) {
    if (this.current) return;
    if (turn.stream) return this.#resume(turn);
    const request = this.#request();
    if (request) this.#ask(this.conversation.retry(turn, request));
  }

  /** @type {(turn: Turn) => Promise<void>} Resume an answer; if nothing of it has come and the server has lost it, ask once more. */
  async #resume(turn) {
    Object.assign(turn, { state: turn.parts.length ? "flowing" : "waiting", note: null });
    this.conversation.touch(turn);
    this.list.refresh(turn);
    this.options.onAsk();
    const isGone = await this.#receive(turn);
    if (isGone && !turn.parts.length && this.conversation.turns.includes(turn)) this.#retry(turn);
  }

  /** @param {Turn} turn a turn that is to be received; the page shows it from here on */
  #ask(turn) {
    const { conversation, list, options } = this;
    if (!list.show(conversation).includes(turn)) list.refresh(turn);
    options.onShow();
    options.onAsk();
    this.#receive(turn);
  }

  /**
   * Receive the answer of a turn of this conversation until it ends.
   *
   * @type {(turn: Turn, origin?: {isOwn: boolean}) => Promise<boolean>} whether the server had no more of an answer that was resumed
   */
  async #receive(turn, origin = { isOwn: true }) {
    const { conversation } = this;
    const { say, onBusy, notice } = this.options;
    say(translate(turn.parts.length ? "answer.goes-on" : "answer.asked"));
    const receiving = this.runs.receive(conversation, turn, this.list.viewOf(turn) ?? null, origin);
    onBusy();
    const { isGone } = await receiving;
    onBusy();
    if (conversation === this.conversation) this.#onEnd(turn);
    else if (turn.state === "done") notice.show(translate("answer.complete-elsewhere", { title: conversation.title }));
    return isGone;
  }

  /** @param {Turn} turn one on the page whose answer has ended */
  #onEnd(turn) {
    if (turn.state === "failed") this.options.onFailed(turn, () => this.#retry(turn));
    if (!this.proceed() && turn.state === "undecided") this.options.onUndecided(this.list.viewOf(turn));
  }

  /** @type {(turn: Turn, index: number, decision: Decision) => void} Record what the reader has decided about a tool call. */
  #decide(turn, index, decision) {
    const call = findCall(turn.parts, index);
    if (!call || !isUndecided(call)) return;
    this.conversation.decide(turn, call, decision);
    this.options.saver.now(this.conversation.stored);
    const view = this.list.viewOf(turn);
    view?.append({ type: "call", index, text: "", decision });
    if (!view?.focusUndecided()) this.options.onDecided();
    this.proceed();
  }

  /** Show which tools do not run, because the reader goes on without a decision. */
  #skipDecisions() {
    const { turn, calls } = this.conversation.skipDecisions() ?? {};
    const view = turn && this.list.viewOf(turn);
    for (const { index } of calls ?? []) view?.append({ type: "call", index, text: "", isSkipped: true });
    if (turn) view?.finish(turn);
  }

  /** @type {(turn: Turn, step: number) => void} Show another version of a turn. */
  #select(turn, step) {
    const versions = this.conversation.versionsOf(turn);
    const version = versions[versions.indexOf(turn) + step];
    if (!version) return;
    this.conversation.select(version);
    this.#showChanged();
    this.list.viewOf(version)?.focusVersion(step);
  }

  /** @param {Turn} turn Remove a question with its answers; it can be brought back. */
  #remove(turn) {
    const { conversation } = this;
    for (const version of conversation.versionsOf(turn)) this.runs.stop(version);
    const undo = conversation.remove(turn);
    this.#showChanged();
    this.options.notice.show(translate("turn.removed"), translate("undo"), () => {
      undo();
      if (conversation === this.conversation) this.#showChanged();
      else this.options.saver.now(conversation.stored);
    });
  }

  /** Show and keep the conversation, which has changed. */
  #showChanged() {
    this.list.show(this.conversation);
    this.runs.attach(this.list);
    this.options.saver.now(this.conversation.stored);
    this.options.onShow();
    this.options.onBusy();
  }

  /** @param {StoreChange} change what another tab has done, or this page with a conversation that is not in its hands */
  async #onChange({ id, isRemoved, isOwn }) {
    if (isRemoved) {
      this.runs.forget(id);
      if (this.conversation.id === id) this.startNew();
    } else if (!isOwn) {
      const conversation = this.conversation.id === id ? this.conversation : this.runs.conversation(id);
      const stored = conversation && (await this.options.store.read(id));
      if (conversation && stored) this.#adopt(conversation, stored);
    }
  }

  /** @type {(conversation: Conversation, stored: StoredConversation) => void} Show what another tab has kept of a conversation. */
  #adopt(conversation, stored) {
    const changed = conversation.adopt(stored, (turn) => this.runs.isReceiving(turn));
    this.runs.wake(conversation);
    if (conversation !== this.conversation) return;
    const added = this.list.show(conversation);
    for (const turn of changed) if (!added.includes(turn)) this.list.refresh(turn);
    this.runs.attach(this.list);
    this.#follow();
    this.options.onShow();
  }

  /** Follow the answer that another tab has asked for, or this page before it was loaded again. */
  #follow() {
    const { pending } = this.conversation;
    if (pending && !this.runs.has(pending)) this.#receive(pending, { isOwn: false });
  }
}
