/**
 * The conversation: its turns, what of them a model is told, and what is left of them when the page comes back.
 *
 * A turn is `{question, schema, text, reasoning, calls, state, note, model, facts, stream, times}`, with the answer as the model
 * wrote it; `schema` where it is to be a JSON document, `calls` the tools that the model called, `{call, name, delta}` each.
 * `stream` is there while the answer can be followed: `{id, model, asked, isBegun, cursor}`, with the model that was asked
 * for and the number of the last event that is in the turn; `isShared` where another tab has asked. Knows no DOM.
 */

import { freshId } from "./stream-id.js";

/** Milliseconds between two times that a growing answer is stored. */
const PACE = 1000;
/** Milliseconds for which an answer may be there to be followed: the longest answer, and how long it is kept after. */
const KEPT = 15 * 60_000;

export class Conversation {
  /** `storage` is this tab's own; `shared` is where another tab finds a conversation whose answer is coming. */
  constructor(storage, shared) {
    Object.assign(this, { storage, shared });
    const stored = storage.read("turns");
    this.turns = Array.isArray(stored) ? stored : this.#adopted();
  }

  /** `model` and `schema` may be undefined: the server's default, and an answer in text. */
  add(question, model, schema) {
    const turn = { question };
    this.turns.push(turn);
    this.restart(turn, model, schema);
    return turn;
  }

  /** The turn's answer is asked for once more. */
  restart(turn, model, schema) {
    const stream = { id: freshId(), model, asked: Date.now(), isBegun: false, cursor: 0 };
    const empty = { text: "", reasoning: "", calls: [], state: "waiting", note: "", model: "", facts: [], times: null };
    Object.assign(turn, empty, { schema, stream });
  }

  clear() {
    this.turns = [];
    this.save();
  }

  /** The last turn, if its answer is still coming and can be followed. */
  get coming() {
    const turn = this.turns.at(-1);
    return turn?.stream && isComing(turn) ? turn : null;
  }

  /** The answer has grown: store it soon. */
  grown() {
    this.timer ??= setTimeout(() => this.save(), PACE);
  }

  save() {
    clearTimeout(this.timer);
    this.timer = null;
    // Whoever comes back finds no stream of these.
    const isLeft = (turn) => isComing(turn) && !turn.stream;
    const left = { state: "stopped", note: "Stopped when the page was left." };
    this.storage.write("turns", this.turns.map((turn) => (isLeft(turn) ? { ...turn, ...left } : turn)));
    this.#share();
  }

  #share() {
    const { coming } = this;
    if (coming) {
      this.sharing = coming.stream.id;
      this.shared.write("coming", { id: this.sharing, at: Date.now(), turns: this.turns });
    } else if (this.sharing) {
      if (this.shared.read("coming")?.id === this.sharing) this.shared.write("coming", null);
      this.sharing = null;
    }
  }

  #adopted() {
    const { at, turns } = this.shared.read("coming") ?? {};
    if (!turns?.at?.(-1)?.stream || Date.now() - at > KEPT) {
      this.shared.write("coming", null);
      return [];
    }
    turns.at(-1).stream.isShared = true;
    return turns;
  }

  /** The messages that ask for this turn's answer. A question that was never answered is not told. */
  messagesFor(turn) {
    const before = this.turns.slice(0, this.turns.indexOf(turn)).filter(({ text }) => text.trim());
    return [
      ...before.flatMap(({ question, text }) => [
        { role: "user", content: question },
        { role: "assistant", content: text },
      ]),
      { role: "user", content: turn.question },
    ];
  }
}

function isComing({ state }) {
  return state === "waiting" || state === "flowing";
}
