/**
 * What is said of an answer beside its text, in the reader's words. Pure.
 */

import { translate } from "../words/words.js";

/** @import { Note } from "./parts.js" */

/**
 * Return the sentence of a note.
 *
 * @param {Note | null} note
 */
export function noteText(note) {
  if (!note) return "";
  const { code, error, model = "", reason = "" } = note;
  if (!error) return translate(`note.${code}`, { model, reason });
  const wait = error.retryAfterSeconds ? ` ${translate("note.wait", { count: error.retryAfterSeconds })}` : "";
  return error.message + wait;
}
