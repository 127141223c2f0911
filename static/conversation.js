/**
 * The conversation: its turns, and what of them a model is told.
 *
 * A turn is `{question, text, reasoning, state, note, model, facts}`, with the answer as the model wrote it. Knows no DOM.
 */

export class Conversation {
  constructor(storage) {
    this.storage = storage;
    const stored = storage.read("turns");
    this.turns = Array.isArray(stored) ? stored : [];
  }

  add(question) {
    const turn = { question };
    this.turns.push(turn);
    this.restart(turn);
    return turn;
  }

  /** The turn's answer is asked for once more. */
  restart(turn) {
    Object.assign(turn, { text: "", reasoning: "", state: "waiting", note: "", model: "", facts: [] });
  }

  clear() {
    this.turns = [];
    this.storage.write("turns", null);
  }

  save() {
    // Whoever comes back finds no stream: what was still coming counts as stopped.
    const coming = (turn) => turn.state === "waiting" || turn.state === "flowing";
    const turns = this.turns.map((turn) => (coming(turn) ? { ...turn, state: "stopped", note: "Stopped when the page was left." } : turn));
    this.storage.write("turns", turns);
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
