/**
 * The conversation: its turns, what of them a model is told, and what is left of them when the page comes back.
 *
 * A turn is `{question, schema, parts, state, note, model, facts, stream, times}`, with the `parts` of parts.js as the model
 * wrote them; `schema` where the answer is to be a JSON document.
 * `stream` is there while the answer can be followed: `{id, model, asked, isBegun, cursor}`, with the model that was asked
 * for and the number of the last event that is in the turn; `isShared` where another tab has asked. Knows no DOM.
 */

import { documentOf, textOf } from "./parts.js";
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
    this.turns = areTurns(stored) ? stored : this.#adopted();
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
    const stream = { id: freshId(), model, asked: Date.now(), isBegun: false, cursor: "0" };
    const empty = { parts: [], state: "waiting", note: "", model: "", facts: [], times: null };
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
    if (!areTurns(turns) || !turns.at(-1)?.stream || Date.now() - at > KEPT) {
      this.shared.write("coming", null);
      return [];
    }
    turns.at(-1).stream.isShared = true;
    return turns;
  }

  /** The messages that ask for this turn's answer. A question that was never answered is not told. */
  messagesFor(turn) {
    const before = this.turns.slice(0, this.turns.indexOf(turn)).map((turn) => ({ ...turn, text: answerOf(turn) }));
    return [
      ...before.filter(({ text }) => text.trim()).flatMap(({ question, text }) => [
        { role: "user", content: question },
        { role: "assistant", content: text },
      ]),
      { role: "user", content: turn.question },
    ];
  }
}

/** Whether this page can show what was stored: another version of it may have stored something else. */
function areTurns(stored) {
  return Array.isArray(stored) && stored.every(({ parts }) => Array.isArray(parts));
}

function answerOf({ schema, parts }) {
  return schema ? documentOf(parts) : textOf(parts);
}

function isComing({ state }) {
  return state === "waiting" || state === "flowing";
}
