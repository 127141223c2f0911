/** The schemas to begin with. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SCHEMA_EXAMPLES } from "../../../flask_headrace/static/chat/schema-examples.js";

test("the examples bound what a model may write, and ask for all of it", () => {
  const bounds = { string: "maxLength", array: "maxItems", integer: "maximum", object: "required" };
  const check = (schema) => {
    if (schema.type in bounds) assert.ok(bounds[schema.type] in schema, JSON.stringify(schema));
    for (const inner of [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])]) check(inner);
  };
  assert.deepEqual(Object.keys(SCHEMA_EXAMPLES), ["recipe", "places", "person"]);
  Object.values(SCHEMA_EXAMPLES).forEach(check);
});
