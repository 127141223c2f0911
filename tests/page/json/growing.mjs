/** What the parser in JavaScript makes of a text in pieces. */

import { JSONDocument, JSONError, PartialJSON } from "../../../flask_headrace/static/json/partial-json.js";

/** A value as JSON has it: no -0, nothing undefined. */
export const plain = (value) => JSON.parse(JSON.stringify(value));

/** The document at the end, and the kind of a refusal with its place, in characters as Python counts them. */
export function resultOf(pieces, options) {
  const parser = new PartialJSON(options);
  const document = new JSONDocument();
  try {
    for (const piece of pieces) document.apply(parser.feed(piece));
    document.apply(parser.end());
    return plain({ value: document.value });
  } catch (error) {
    if (!(error instanceof JSONError)) throw error;
    const { kind, at } = error;
    return plain({ value: document.apply(error.ops), kind, at: [...pieces.join("").slice(0, at)].length });
  }
}
