/**
 * What a list of conversations shows of one. Pure.
 */

import { pathOf } from "../conversation/turn-tree.js";
import { isPending, titleOf } from "../conversation/turn.js";

/** @import { StoredConversation } from "../conversation/conversation.js" */

/**
 * `isComing` is whether an answer was coming when the conversation was kept; `size` is about how many characters it takes. Times are
 * milliseconds since 1970.
 * @typedef {{id: string, title: string, createdAt: number, changedAt: number, isComing: boolean, size: number}} Summary
 */

/**
 * Return the summary of a conversation.
 *
 * @param {StoredConversation} conversation
 * @returns {Summary}
 */
export function summaryOf(conversation) {
  const { id, title, createdAt, changedAt } = conversation;
  const path = pathOf(conversation);
  const last = path.at(-1);
  return {
    id,
    title: title || titleOf(path[0]?.question ?? ""),
    createdAt,
    changedAt,
    isComing: Boolean(last?.stream && isPending(last)),
    size: conversation.turns.reduce((sum, turn) => sum + sizeOf(turn), 0),
  };
}

/** @type {(turn: {question: string, parts: {text: string, result?: string, arguments?: string}[]}) => number} */
function sizeOf({ question, parts }) {
  const own = parts.map(({ text, result = "", arguments: given = "" }) => text.length + result.length + given.length);
  return own.reduce((sum, size) => sum + size, question.length + 500);
}
