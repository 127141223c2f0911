/**
 * A JSON Schema as a reader writes it: the schema, or what is wrong with the text and where.
 *
 * Knows that a schema is one JSON object here. Whether it is a valid schema is decided by the server.
 */

import { SchemaShape, memberLabel } from "../form/schema-shape.js";
import { JSONError, PartialJSON } from "../json/partial-json.js";

/** Most fields that a summary names. */
const MAX_NAMED_FIELDS = 6;

/**
 * Read a schema.
 *
 * @param {string} text
 * @returns {{schema: object, problem: ""} | {schema: null, problem: string}} the schema; or a sentence that says what is wrong
 */
export function parseSchema(text) {
  let schema;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    if (!text.trim()) return { schema: null, problem: "Paste a JSON Schema here, or begin with an example." };
    return { schema: null, problem: describeSyntaxError(text, /** @type {SyntaxError} */ (error)) };
  }
  if (typeof schema === "object" && schema !== null && !Array.isArray(schema)) return { schema, problem: "" };
  return { schema: null, problem: `A JSON Schema is an object, {…}; this is ${describeKind(schema)}.` };
}

/**
 * Return a line that says which fields an answer will have.
 *
 * @param {object} schema
 */
export function summarizeFields(schema) {
  const shape = new SchemaShape(schema);
  const labels = shape.keys.map((key) => memberLabel(shape.member(key), key));
  if (!labels.length) return "Any answer that fits.";
  const more = labels.length > MAX_NAMED_FIELDS ? ` and ${labels.length - MAX_NAMED_FIELDS} more` : "";
  return `${labels.slice(0, MAX_NAMED_FIELDS).join(", ")}${more}.`;
}

/**
 * Return a sentence that says where a text stops being JSON, and why.
 *
 * @param {string} text
 * @param {SyntaxError} syntaxError the error of JSON.parse
 */
function describeSyntaxError(text, { message }) {
  try {
    const parser = new PartialJSON();
    parser.feed(text);
    parser.end();
  } catch (error) {
    if (!(error instanceof JSONError)) throw error;
    const lines = text.slice(0, error.at).split("\n");
    const column = lines[lines.length - 1].length + 1;
    return `Line ${lines.length}, column ${column}: ${error.message.replace(/, at character \d+$/, "")}.`;
  }
  // PartialJSON skips text around a document, as models write it.
  return text.trimStart().startsWith("{") ? `${message}.` : "Only the JSON, please: there is something before it.";
}

/** @param {unknown} value a value of JSON that is no object */
function describeKind(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
