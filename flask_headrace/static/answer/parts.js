/**
 * What an answer consists of: its parts, in the order in which they came.
 *
 * Knows the data of one turn of a conversation. Does not know the DOM.
 */

/**
 * A part of an answer: a run of text or of reasoning, up to where another part begins; or a tool call. A call has its number
 * in the answer as `index`, its arguments as `text`, and `isComplete` once they are complete.
 *
 * A piece of a part has the same form: its `text` continues the part. The first piece of a call has the call's `name`.
 *
 * @typedef {{type: "text" | "reasoning", text: string}} TextPart
 * @typedef {{type: "call", index: number, name?: string, text: string, isComplete?: boolean}} CallPart
 * @typedef {TextPart | CallPart} Part
 *
 * "flowing" once something of the answer itself has come, "cut" where the model ended it before its end.
 * @typedef {"waiting" | "flowing" | "done" | "cut" | "stopped" | "failed"} TurnState
 *
 * A fact about a finished answer, such as `{value: "21", label: "tokens out"}`.
 * @typedef {{value: string, label: string}} Fact
 *
 * What is shown of one turn: the question and its answer. `schema` is present if the answer is to be a JSON document; `note`
 * is a sentence about how the answer ended, or ""; `model` is the model that answers, or "".
 * @typedef {{question: string, schema?: object, parts: Part[], state: TurnState, note: string, model: string, facts: Fact[]}} ShownTurn
 */

/**
 * Add a piece to the end of `parts`: to the part that it continues, or as a new part. A piece without text begins no part,
 * unless it is of a call.
 *
 * @param {Part[]} parts changed in place
 * @param {Part} piece
 */
export function appendPiece(parts, piece) {
  if (piece.type !== "call" && piece.text === "") return;
  const part = findContinued(parts, piece);
  if (!part) return void parts.push({ ...piece });
  part.text += piece.text;
  if (piece.type === "call" && piece.isComplete && part.type === "call") part.isComplete = true;
}

/**
 * Return the tool call with this number.
 *
 * @param {Part[]} parts
 * @param {number} index
 */
export function findCall(parts, index) {
  return parts.findLast((part) => part.type === "call" && part.index === index);
}

/**
 * Return whether something of the answer itself is there, rather than reasoning alone.
 *
 * @param {Part[]} parts
 */
export function hasContent(parts) {
  return parts.some(({ type }) => type !== "reasoning");
}

/**
 * Return an answer's text. Where another part came in between, a new paragraph begins.
 *
 * @param {Part[]} parts
 */
export function proseText(parts) {
  const [first = "", ...rest] = textRuns(parts).filter((run) => run.trim());
  return rest.reduce((before, run) => `${before.trimEnd()}\n\n${run.trimStart()}`, first);
}

/**
 * Return the text of an answer that is one document. Where another part came in between, the text goes on unchanged.
 *
 * @param {Part[]} parts
 */
export function documentText(parts) {
  return textRuns(parts).join("");
}

/** @param {Part[]} parts */
function textRuns(parts) {
  return parts.filter(({ type }) => type === "text").map(({ text }) => text);
}

/**
 * Return the part that a piece continues; undefined where the piece begins a part.
 *
 * @param {Part[]} parts
 * @param {Part} piece
 */
function findContinued(parts, piece) {
  if (piece.type === "call") return piece.name ? undefined : findCall(parts, piece.index);
  const last = parts.at(-1);
  return last?.type === piece.type ? last : undefined;
}
