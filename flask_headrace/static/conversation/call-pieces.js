/**
 * The pieces of an answer that the `tool` frames of its stream stand for. Pure.
 *
 * A stream counts its calls from 0. A turn that goes on after an approval has several streams, so a call's number in the turn is
 * another one.
 */

import { callsOf, findCall } from "../answer/parts.js";
import { memberText } from "../json/json-text.js";

/** @import { CallPart, Part } from "../answer/parts.js" */
/** @import { ToolEvent } from "../network/stream.js" */

/** Characters of a tool's progress that are shown. */
const MAX_PROGRESS_CHARACTERS = 1000;

/**
 * Return the piece that an event stands for; null where its call never began.
 *
 * @param {ToolEvent} event
 * @param {Part[]} parts the answer so far
 * @param {number} earlier how many of the answer's calls are of earlier streams
 * @returns {CallPart | null}
 */
export function toCallPiece(event, parts, earlier) {
  const call = event.call === undefined ? callsOf(parts).findLast(({ id }) => id === event.id) : findCall(parts, event.call + earlier);
  const index = event.call === undefined ? call?.index : event.call + earlier;
  if (index === undefined || !(event.name || call)) return null;
  const { id, name, runs_here: runsHere, delta = "", arguments: value, approval } = event;
  /** @type {CallPart} */
  const piece = { type: "call", index, text: delta, ...(name && { name }), ...(name && runsHere && { id, runsHere }) };
  if (approval !== undefined) piece.approval = approval;
  if (value !== undefined) addArguments(piece, event, call);
  addOutcome(piece, event);
  return piece;
}

/** @type {(piece: CallPart, event: ToolEvent, call: CallPart | undefined) => void} */
function addArguments(piece, event, call) {
  const text = valueText(event, "arguments");
  piece.isComplete = true;
  // Some providers send the arguments only as a whole.
  if (!call?.text) piece.text = text;
  if (call?.runsHere) piece.arguments = text;
}

/** @type {(piece: CallPart, event: ToolEvent) => void} A later outcome replaces the one before. */
function addOutcome(piece, event) {
  const { progress, result, error } = event;
  if (error !== undefined) Object.assign(piece, { error, result: undefined, progress: undefined });
  else if (result !== undefined) {
    Object.assign(piece, { result: valueText(event, "result"), error: undefined, progress: undefined });
  } else if (progress !== undefined) {
    const text = typeof progress === "string" ? progress : valueText(event, "progress");
    piece.progress = text.slice(0, MAX_PROGRESS_CHARACTERS);
  }
}

/** @type {(event: ToolEvent, name: "arguments" | "progress" | "result") => string} Return a value's JSON text, with all digits. */
function valueText(event, name) {
  const text = event.json === undefined ? undefined : memberText(event.json, name);
  return text ?? JSON.stringify(event[name]);
}
