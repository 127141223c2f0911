/** A schema as its reader writes it: what is wrong with it, and what it asks for. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseSchema, summarizeFields } from "../../../flask_headrace/static/chat/schema-text.js";

test("a mistake in a schema is told with its place", () => {
  const problems = {
    "": /^Paste a JSON Schema here/,
    '{\n  "type": "object",\n  "a": }': /^Line 3, column 8: "}" stands where a value should\.$/,
    '{"type": "object"': /^Line 1, column 18: The text ends inside the document/,
    "{type: 1}": /^Line 1, column 2: "t" stands where a key in double quotes should\.$/,
    'Here it is: {"type": "object"}': /^Only the JSON, please/,
    "[]": /this is a list\.$/,
    null: /this is null\.$/,
    12: /this is a number\.$/,
  };
  for (const [text, problem] of Object.entries(problems)) {
    const read = parseSchema(text);
    assert.equal(read.schema, null);
    assert.match(read.problem, problem);
  }
});

test("a schema is summed up by its fields", () => {
  const schema = (count) => ({ properties: Object.fromEntries(Array.from({ length: count }, (_, at) => [`f_${at}`, {}])) });
  assert.deepEqual(parseSchema(JSON.stringify(schema(1))), { schema: schema(1), problem: "" });
  assert.equal(summarizeFields(schema(2)), "F 0, F 1.");
  assert.match(summarizeFields(schema(8)), /, F 5 and 2 more\.$/);
  assert.equal(summarizeFields({}), "Any answer that fits.");
});
