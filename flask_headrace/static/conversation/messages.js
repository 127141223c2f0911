/**
 * The messages of a conversation: for each step of an answer the model's turn with its tool calls, and then their results. Pure.
 *
 * Of the tool calls, those go back that the service runs. The page runs no tools itself, and no provider takes a conversation
 * that goes on after a call without its result.
 */

import { callsOf, documentText, hasOutcome, proseText } from "../answer/parts.js";
import { JSONText } from "../json/json-text.js";
import { withinLimits } from "./memory-limits.js";

/** @import { CallPart, Part } from "../answer/parts.js" */

/**
 * What of a turn its messages are made of: see turn.js.
 * @typedef {{question: string, schema?: object, parts: Part[], reasoningState?: string | null, base?: number}} Turn
 *
 * @typedef {{id: string, approved?: boolean, reason?: string}} Approval
 * @typedef {{id: string, name: string, arguments: JSONText, approval?: Approval}} MessageCall
 * @typedef {{role: "user" | "assistant" | "tool", content: string, tool_calls?: MessageCall[], reasoning_state?: string,
 *   tool_call_id?: string, is_error?: boolean}} Message
 * @typedef {{text: string, calls: CallPart[], reasoningState?: string | null}} Step
 */

const INTERRUPTED = "The tool was interrupted: it is not known what it has done.";
const CONTINUE =
  "Your answer was cut off. Continue it exactly where it ends, even in the middle of a word or of code. Repeat nothing, and say nothing about this.";

/**
 * Return the messages that request a turn's answer, or the rest of the answer. A question that was never answered is left out.
 *
 * @param {Turn[]} earlier the turns before
 * @param {Turn} turn
 * @returns {Message[]}
 */
export function conversationMessages(earlier, turn) {
  const begun = { ...turn, reasoningState: null, parts: turn.parts.slice(0, turn.base ?? 0) };
  const sent = withinLimits([...earlier, begun]);
  const answered = sent.slice(0, -1).map((turn) => [userMessage(turn), ...answerMessages(turn)]);
  const goesOn = begun.parts.at(-1)?.type === "continuation";
  return [
    ...answered.filter((messages) => messages.length > 1).flat(),
    userMessage(turn),
    ...answerMessages(/** @type {Turn} */ (sent.at(-1)), { isLast: !goesOn }),
    ...(goesOn ? [/** @type {Message} */ ({ role: "user", content: CONTINUE })] : []),
  ];
}

/**
 * Return what of a turn is not sent with later questions: the whole turn, because it has no answer; calls of tools that the
 * service does not run; or nothing.
 *
 * @param {Turn} turn one whose answer has ended
 * @returns {"turn" | "calls" | null}
 */
export function leftOutOf(turn) {
  if (!answerMessages(turn).length) return "turn";
  return callsOf(turn.parts).some((call) => !goesBack(call)) ? "calls" : null;
}

/**
 * Return how many parts of an answer that broke off need not come again: those of the steps whose tools have run, or may have.
 *
 * @param {Part[]} parts
 */
export function keptParts(parts) {
  const last = parts.findLastIndex((part) => part.type === "call" && goesBack(part));
  const end = parts.findIndex(({ type }, place) => place > last && type === "step");
  if (last < 0) return 0;
  return end < 0 ? parts.length : end;
}

/** @type {(turn: Turn) => Message} */
function userMessage({ question }) {
  return { role: "user", content: question };
}

/**
 * @param {Turn} turn
 * @param {{isLast?: boolean}} [options] whether the conversation ends with this answer: its approvals are answered then
 * @returns {Message[]}
 */
function answerMessages(turn, { isLast = false } = {}) {
  const steps = stepsOf(turn);
  return steps.flatMap((step, place) => stepMessages(step, isLast && place === steps.length - 1));
}

/**
 * Return the steps of an answer. Steps without calls are one step with the next.
 *
 * @param {Turn} turn
 */
function stepsOf({ schema, reasoningState, parts }) {
  /** @type {Step[]} */
  const steps = [];
  for (let rest = parts; rest.length; ) {
    const place = rest.findIndex(({ type }) => type === "step");
    const own = place < 0 ? rest : rest.slice(0, place);
    const mark = place < 0 ? undefined : rest[place];
    rest = place < 0 ? [] : rest.slice(place + 1);
    const text = schema ? documentText(own) : proseText(own);
    const state = mark?.type === "step" ? mark.reasoningState : reasoningState;
    addStep(steps, { text, calls: callsOf(own).filter(goesBack), reasoningState: own.some(isUnlike) ? null : state });
  }
  return steps;
}

/** @type {(steps: Step[], step: Step) => void} */
function addStep(steps, step) {
  const before = steps.at(-1);
  if (!before || before.calls.length) steps.push(step);
  else {
    const text = [before.text, step.text].filter((text) => text.trim()).join("\n\n");
    steps.splice(-1, 1, { ...step, text, reasoningState: step.reasoningState ?? before.reasoningState });
  }
}

/** @type {(step: Step, isLast: boolean) => Message[]} */
function stepMessages({ text, calls, reasoningState }, isLast) {
  if (!text.trim() && !calls.length) return [];
  const own = calls.map((call) => messageCall(call, isLast));
  /** @type {Message} */
  const message = { role: "assistant", content: text };
  if (own.length) message.tool_calls = own;
  if (reasoningState) message.reasoning_state = reasoningState;
  return [message, ...calls.flatMap((call) => resultMessages(call, isLast))];
}

/** @type {(call: CallPart, isLast: boolean) => MessageCall} */
function messageCall(call, isLast) {
  const { id = "", name = "", decision } = call;
  const made = { id, name, arguments: new JSONText(argumentsText(call)) };
  if (isAnswered(call, isLast) && call.approval) return { ...made, approval: { id: call.approval, ...decision } };
  return isLeftOpen(call, isLast) && call.approval ? { ...made, approval: { id: call.approval } } : made;
}

/** @type {(call: CallPart, isLast: boolean) => Message[]} */
function resultMessages(call, isLast) {
  if (isAnswered(call, isLast) || isLeftOpen(call, isLast)) return [];
  const { id = "", result, error } = call;
  if (result === undefined) return [{ role: "tool", tool_call_id: id, content: error ?? INTERRUPTED, is_error: true }];
  const value = JSON.parse(result);
  return [{ role: "tool", tool_call_id: id, content: typeof value === "string" ? value : result }];
}

/** @type {(call: CallPart, isLast: boolean) => boolean} Whether the service goes on with the call by the reader's decision. */
function isAnswered(call, isLast) {
  return isLast && call.decision !== undefined && !hasOutcome(call);
}

/** @type {(call: CallPart, isLast: boolean) => boolean} Whether the reader has left the decision open, which the service tells the model. */
function isLeftOpen(call, isLast) {
  return !isLast && call.approval !== undefined && !call.decision && !hasOutcome(call);
}

/** @param {CallPart} call */
function goesBack(call) {
  return call.runsHere === true && !isForgotten(call) && (call.isComplete === true || hasOutcome(call));
}

/** @param {Part} part */
function isForgotten(part) {
  return part.type === "call" && part.isForgotten === true;
}

/** @type {(part: Part) => boolean} Whether a step goes back unlike the provider has sent it, so that its state fits it no longer. */
function isUnlike(part) {
  return part.type === "continuation" || isForgotten(part);
}

/** @type {(call: CallPart) => string} Return the arguments; {} for those that are no JSON object. */
function argumentsText({ arguments: text = "{}" }) {
  return text.startsWith("{") ? text : "{}";
}
