/**
 * What is copied of a turn: the answer as it was written, the answer as it reads, or the request.
 */

import { documentText, proseText } from "../answer/parts.js";
import { sentSchema } from "../conversation/turn.js";
import { encodeJSON } from "../json/json-text.js";
import { curlText } from "./curl-text.js";

/** @import { CopyForm } from "../answer/turn-foot.js" */
/** @import { TurnView } from "../answer/turn-view.js" */
/** @import { Conversation } from "../conversation/conversation.js" */
/** @import { Turn } from "../conversation/turn.js" */

/**
 * Copy a turn.
 *
 * @param {Conversation} conversation
 * @param {Turn} turn
 * @param {TurnView | undefined} view shows the turn
 * @param {object} options
 * @param {CopyForm} options.form
 * @param {string} options.api address of the API
 * @param {() => Record<string, string>} options.headers the headers that authorize requests
 * @param {(text: string, button: HTMLElement) => void} options.copy copies a text, and shows on the button that it has
 */
export function copyTurn(conversation, turn, view, { form, api, headers, copy }) {
  if (!view) return;
  const { answer, parts } = view;
  if (form === "source") copy(sourceOf(turn, answer), parts.copy);
  else if (form === "text") copy(turn.schema ? sourceOf(turn, answer) : answer.plainText, parts.copyPlain);
  else copy(requestText(conversation, turn, api, headers()), parts.copyCurl);
}

/** @type {(turn: Turn, answer: TurnView["answer"]) => string} Return the answer as the model has written it; a document as JSON. */
function sourceOf({ parts, schema }, { document }) {
  return schema && document ? document.copyText(documentText(parts)) : proseText(parts);
}

/** @type {(conversation: Conversation, turn: Turn, api: string, headers: Record<string, string>) => string} */
function requestText(conversation, turn, api, headers) {
  const body = { messages: conversation.messagesFor(turn), model: turn.requested, schema: sentSchema(turn) };
  return curlText(new URL(`${api}/chat`, location.href).href, encodeJSON(body), { hasKey: "Authorization" in headers });
}
