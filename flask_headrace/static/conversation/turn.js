/**
 * One question with one answer, as a conversation has it. Pure.
 */

import { callsOf, isUndecided, lastStep } from "../answer/parts.js";
import { JSONText } from "../json/json-text.js";
import { newStreamId } from "../network/stream-id.js";

/** @import { ShownTurn } from "../answer/parts.js" */
/** @import { Usage } from "../network/stream.js" */
/** @import { Times } from "../answer/facts.js" */
/** @import { Node } from "./turn-tree.js" */

/**
 * How an answer can be resumed: the stream's id, the model that was requested, the time of the request in milliseconds since
 * 1970, whether the server has answered, and the `id` of the last event in the turn.
 * @typedef {{id: string, model?: string, askedAt: number, isAccepted: boolean, cursor: string}} TurnStream
 *
 * What is asked beside the question: `model` is undefined for the server's default, `schema` the JSON Schema of an answer that
 * is a document, `schemaText` its text where that has numbers whose digits the object does not keep.
 * @typedef {{model?: string, schema?: object, schemaText?: string}} Request
 *
 * A turn. `stream` is null once the answer cannot be resumed. `reasoningState` is what the model's provider wants back of the
 * last step with the next question; null where there is nothing. `requested` is the model that was requested. An answer that
 * goes on after a decision of the reader, after a failure or after a cut has several streams: `base` counts the parts of the ones
 * before, and `usageBefore` is what they took.
 * @typedef {Node & ShownTurn & {stream: TurnStream | null, times: Times | null, reasoningState?: string | null, requested?: string,
 *   schemaText?: string, base: number, usage: Usage | null, usageBefore: Usage | null}} Turn
 */

/** Characters of a question that are its conversation's title. */
const MAX_TITLE = 80;

/**
 * Return the schema of a turn as it is sent, with all digits of its numbers.
 *
 * @param {Request} turn
 * @returns {object | undefined} for `encodeJSON`
 */
export function sentSchema({ schema, schemaText }) {
  return schemaText ? new JSONText(schemaText) : schema;
}

/**
 * Return the calls of a turn that wait for the reader's decision.
 *
 * @param {Turn} turn
 */
export function undecidedCalls({ parts }) {
  return callsOf(lastStep(parts)).filter(isUndecided);
}

/**
 * Return whether an answer that has ended can go on in the middle of its text.
 *
 * @param {Turn} turn
 */
export function canContinue({ state, schema, parts, note }) {
  const isOpen = (state === "cut" && note?.code !== "filtered") || state === "stopped" || state === "failed";
  return isOpen && !schema && parts.at(-1)?.type === "text";
}

/**
 * Return whether a turn's answer is still coming.
 *
 * @param {Pick<Turn, "state">} turn
 */
export function isPending({ state }) {
  return state === "waiting" || state === "flowing";
}

/**
 * Return a stream that is to be requested.
 *
 * @param {string | undefined} model undefined for the server's default
 * @param {number} askedAt milliseconds since 1970
 * @returns {TurnStream}
 */
export function newStream(model, askedAt) {
  return { id: newStreamId(), model, askedAt, isAccepted: false, cursor: "0" };
}

/**
 * Return the title of a conversation that begins with this question.
 *
 * @param {string} question
 */
export function titleOf(question) {
  const line = question.trim().split("\n", 1)[0].trim();
  return line.length > MAX_TITLE ? `${line.slice(0, MAX_TITLE).trimEnd()}…` : line;
}
