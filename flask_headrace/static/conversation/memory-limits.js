/**
 * How much of old answers goes back to models: what their providers want back, and what tools have returned. Pure.
 */

/** @import { CallPart, Part } from "../answer/parts.js" */

/** Characters of `reasoningState` that are sent, of the latest answers: requests have no room for all. */
const MAX_STATE_CHARACTERS = 256 * 1024;
/** Bytes of arguments and results of tool calls that are sent, of the latest answers, for the same reason. */
const MAX_CALL_BYTES = 512 * 1024;

/**
 * Return the turns without what providers want back, and without results of tools, of answers that lie so far back that there is
 * no more room.
 *
 * @template {{parts: Part[], reasoningState?: string | null}} Turn
 * @param {Turn[]} turns oldest first
 * @returns {Turn[]}
 */
export function withinLimits(turns) {
  let left = MAX_STATE_CHARACTERS;
  let leftForCalls = MAX_CALL_BYTES;
  /** @type {<Holder extends {reasoningState?: string | null}>(holder: Holder) => Holder} */
  const limitState = (holder) => {
    left -= holder.reasoningState?.length ?? 0;
    return left < 0 && holder.reasoningState ? { ...holder, reasoningState: null } : holder;
  };
  /** @type {(part: Part) => Part} */
  const limitPart = (part) => {
    if (part.type === "step") return limitState(part);
    if (part.type !== "call") return part;
    leftForCalls -= sentBytes(part);
    return leftForCalls < 0 && part.runsHere ? { ...part, result: undefined, isForgotten: true } : part;
  };
  return turns.toReversed().map((turn) => {
    const own = limitState(turn);
    return { ...own, parts: turn.parts.toReversed().map(limitPart).reverse() };
  }).reverse();
}

/** @type {(call: CallPart) => number} Return how many bytes of a request a call takes: its result is sent as text inside of JSON. */
function sentBytes({ arguments: given = "", result = "" }) {
  return new TextEncoder().encode(given + JSON.stringify(result)).length;
}
