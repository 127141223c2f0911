/**
 * A JSON Schema as its reader writes it: what it is, or what is wrong with it and where.
 *
 * Knows that it must be one JSON object. Whether it is a schema is for the server to say.
 */

import { JSONError, PartialJSON } from "./partial-json.js";
import { Shape, labelOf } from "./shape.js";

/** Fields that are named when a schema is summed up. */
const NAMED = 6;

/** Read `text`: `{schema, mistake}`, where `schema` is null if there is a `mistake`, which is a sentence. */
export function readSchema(text) {
  let schema;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    return { schema: null, mistake: text.trim() ? mistakeIn(text, error) : "Paste a JSON Schema here, or begin with an example." };
  }
  if (typeof schema === "object" && schema !== null && !Array.isArray(schema)) return { schema, mistake: "" };
  return { schema: null, mistake: `A JSON Schema is an object, {…}; this is ${kindOf(schema)}.` };
}

/** Say in a line which fields an answer will have. */
export function summaryOf(schema) {
  const shape = new Shape(schema);
  const names = shape.keys.map((key) => labelOf(shape.member(key), key));
  if (!names.length) return "Any answer that fits.";
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return `${names.slice(0, NAMED).join(", ")}${more}.`;
}

function mistakeIn(text, { message }) {
  try {
    const parser = new PartialJSON();
    parser.feed(text);
    parser.end();
  } catch (error) {
    if (!(error instanceof JSONError)) throw error;
    const before = text.slice(0, error.at).split("\n");
    const where = `Line ${before.length}, column ${before.at(-1).length + 1}`;
    return `${where}: ${error.message.replace(/, at character \d+$/, "")}.`;
  }
  // The parser passes over text around a document, as models write it.
  return text.trimStart().startsWith("{") ? `${message}.` : "Only the JSON, please: there is something before it.";
}

function kindOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
