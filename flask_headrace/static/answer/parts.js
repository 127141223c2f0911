/**
 * What an answer consists of: its parts, in the order in which they came.
 *
 * Knows the data of one turn of a conversation. Does not know the DOM.
 */

/** @import { ErrorEvent, Usage } from "../network/stream.js" */
/** @import { Times } from "./facts.js" */

/**
 * What the reader has decided about a call that needs approval. `reason` is for the model.
 * @typedef {{approved: boolean, reason?: string}} Decision
 *
 * What a tool call has beside its arguments where the service runs the tool, as far as it has come. `runsHere` and `id` come
 * with the name. `arguments` is the JSON text of the arguments as the service has read them, `progress` what the tool shows
 * before its result, `result` the JSON text of the result, `error` why the tool failed or did not run. `approval` is the id
 * under which the service asks whether the tool may run, and `decision` the answer; `isSkipped` if the reader went on without
 * an answer. `isForgotten` if the result was too old to be kept.
 * @typedef {{runsHere?: boolean, id?: string, arguments?: string, progress?: string, result?: string, error?: string,
 *   approval?: string, decision?: Decision, isSkipped?: boolean, isForgotten?: boolean}} ToolRun
 *
 * A part of an answer: a run of text or of reasoning, up to where another part begins; a tool call; or the end of a step, after
 * which the model is asked again; or the place where an answer that was cut goes on. A call has its number in the answer as `index`, its arguments as `text`, and `isComplete`
 * once they are complete. The end of a step has what the model's provider wants back of the step as `reasoningState`.
 *
 * A piece of a part has the same form: its `text` continues the part. The first piece of a call has the call's `name`.
 *
 * `durationMs` is how long the model has reasoned.
 *
 * @typedef {{type: "text" | "reasoning", text: string, durationMs?: number}} TextPart
 * @typedef {{type: "call", index: number, name?: string, text: string, isComplete?: boolean} & ToolRun} CallPart
 * @typedef {{type: "step", text: "", reasoningState?: string | null}} StepPart
 * @typedef {{type: "continuation", text: ""}} ContinuationPart
 * @typedef {TextPart | CallPart | StepPart | ContinuationPart} Part
 *
 * "flowing" once something of the answer itself has come, "cut" where the model ended it before its end, "undecided" where it
 * goes on once the reader has decided about its calls.
 * @typedef {"waiting" | "flowing" | "undecided" | "done" | "cut" | "stopped" | "failed"} TurnState
 *
 * What is to be said of an answer beside its text, above all how it has ended. `code` names the sentence (see note-text.js), the rest is what stands
 * in it: a server's `message`, the `model` that goes on, the `reason` for it.
 * @typedef {{code: string, message?: string, model?: string, reason?: string, error?: ErrorEvent}} Note
 *
 * What is shown of one turn: the question and its answer. `schema` is present if the answer is to be a JSON document; `note`
 * is null where nothing is to be said; `model` is the model that answers, or "". `times` and `usage` are what the answer took.
 * @typedef {{question: string, schema?: object, parts: Part[], state: TurnState, note: Note | null, model: string,
 *   requested?: string, times: Times | null, usage: Usage | null}} ShownTurn
 */

/**
 * Add a piece to the end of `parts`: to the part that it continues, or as a new part. A piece without text begins no part,
 * unless it is of a call, the end of a step or a continuation.
 *
 * @param {Part[]} parts changed in place
 * @param {Part} piece
 */
export function appendPiece(parts, piece) {
  if (piece.text === "" && (piece.type === "text" || piece.type === "reasoning")) return;
  const part = findContinued(parts, piece);
  if (part) Object.assign(part, piece, { text: part.text + piece.text });
  else parts.push({ ...piece });
}

/**
 * Return the tool call with this number.
 *
 * @param {Part[]} parts
 * @param {number} index
 */
export function findCall(parts, index) {
  return callsOf(parts).findLast((call) => call.index === index);
}

/**
 * Return the tool calls among parts.
 *
 * @param {Part[]} parts
 * @returns {CallPart[]}
 */
export function callsOf(parts) {
  return parts.filter((part) => part.type === "call");
}

/**
 * Return whether it is known what became of a call: its tool has a result, or has failed, or did not run.
 *
 * @param {CallPart} call
 */
export function hasOutcome({ result, error, isForgotten }) {
  return result !== undefined || error !== undefined || isForgotten === true;
}

/**
 * Return whether a call waits for the next request, which answers whether its tool may run.
 *
 * @param {CallPart} call
 */
export function needsDecision(call) {
  return call.approval !== undefined && !call.isSkipped && !hasOutcome(call);
}

/**
 * Return whether a call waits for the reader's decision.
 *
 * @param {CallPart} call
 */
export function isUndecided(call) {
  return needsDecision(call) && !call.decision;
}

/**
 * Return the parts of the last step.
 *
 * @param {Part[]} parts
 */
export function lastStep(parts) {
  return parts.slice(parts.findLastIndex(({ type }) => type === "step") + 1);
}

/**
 * Return whether something of the answer itself is there, rather than reasoning alone.
 *
 * @param {Part[]} parts
 */
export function hasContent(parts) {
  return parts.some(({ type }) => type === "text" || type === "call");
}

/**
 * Return an answer's text. Where another part came in between, a new paragraph begins; where an answer that was cut went on, none.
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

/**
 * Return the runs of text; where an answer that was cut went on, they are one.
 *
 * @param {Part[]} parts
 */
function textRuns(parts) {
  /** @type {string[]} */
  const runs = [];
  for (const [place, { type, text }] of parts.entries()) {
    if (type !== "text") continue;
    const goesOn = parts[place - 1]?.type === "continuation" && parts[place - 2]?.type === "text";
    runs.push(goesOn ? runs.pop() + text : text);
  }
  return runs;
}

/**
 * Return the part that a piece continues; undefined where the piece begins a part.
 *
 * @param {Part[]} parts
 * @param {Part} piece
 */
function findContinued(parts, piece) {
  if (piece.type === "step" || piece.type === "continuation") return undefined;
  if (piece.type === "call") return piece.name ? undefined : findCall(parts, piece.index);
  const last = parts.at(-1);
  return last?.type === piece.type ? last : undefined;
}
