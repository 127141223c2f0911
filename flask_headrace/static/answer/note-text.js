/**
 * What is said of an answer beside its text, in the reader's words. Pure.
 */

import { translate } from "../words/words.js";
import { describeError } from "./error-text.js";

/** @import { Note } from "./parts.js" */

/**
 * Return the sentence of a note.
 *
 * @param {Note | null} note
 */
export function noteText(note) {
  if (!note) return "";
  const { code, error, model = "", reason = "" } = note;
  // A wait that the server asks for is counted down beside the note.
  return error ? describeError(error).text : translate(`note.${code}`, { model, reason });
}
