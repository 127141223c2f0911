/** A form that fills in: what a schema names, which fields a document opens, and what is said of a schema as it is written. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SCHEMA_EXAMPLES } from "../../../flask_headrace/static/chat/schema-examples.js";
import { Fields } from "../../../flask_headrace/static/form/fields.js";
import { PartialJSON } from "../../../flask_headrace/static/json/partial-json.js";
import { FormAnnouncer } from "../../../flask_headrace/static/answer/form-announcer.js";
import { parseSchema, summarizeFields } from "../../../flask_headrace/static/chat/schema-text.js";
import { SchemaShape } from "../../../flask_headrace/static/form/schema-shape.js";

/** The operations as lines of text: what is open is indented, what grows grows in its line, what was cut ends in a bar. */
class Lines {
  constructor() {
    this.lines = [];
    this.kinds = [];
  }
  expect({ label, members }) {
    this.expected = [label, ...members.map((member) => member.label)];
  }
  open(kind, { label, index }) {
    this.lines.push(`${"  ".repeat(this.kinds.length)}${index ?? label}:${kind === "string" ? "" : kind} `);
    this.kinds.push(kind);
  }
  text(piece) {
    this.lines.push(this.lines.pop() + piece);
  }
  close(isCut) {
    this.kinds.pop();
    if (isCut) this.lines.push(`${this.lines.pop()}|`);
  }
}

/** What a document in these pieces makes of a form. */
function filled(schema, pieces, sink = new Lines()) {
  const [fields, parser] = [new Fields(schema, sink), new PartialJSON()];
  for (const piece of pieces) fields.apply(parser.feed(piece));
  fields.end();
  return sink;
}

const DOCUMENT = '{"dish_name": "Ä~/b", "~/": null, "with": {"ok": true, "n": [-1.5, "", ["x"]]}, "steps": [{"do": "stir"}, {}]}';

test("a document fills in the same fields however it is cut", () => {
  const expected = [
    "Dish: Ä~/b", "~/:null none", "With:object ", "  Ok:boolean Yes", "  N:array ", "    0:number -1.5", "    1: ", "    2:array ",
    "      0: x", "Steps:array ", "  0:object ", "    Do this: stir", "  1:object ",
  ].map((line) => `  ${line}`);
  const step = { properties: { do: { title: "Do this" } } };
  const schema = { properties: { dish_name: { title: "Dish" }, steps: { items: step } } };
  for (let size = 1; size <= DOCUMENT.length; size++) {
    const pieces = Array.from({ length: Math.ceil(DOCUMENT.length / size) }, (_, at) => DOCUMENT.slice(at * size, (at + 1) * size));
    assert.deepEqual(filled(schema, pieces).lines.slice(1), expected, `in pieces of ${size}`);
  }
});

test("what is open where the text was cut is marked, and a number that may go on is not there", () => {
  assert.deepEqual(filled({}, ['{"a": ["mi']).lines, [":object ", "  A:array ", "    0: mi|||"]);
  assert.deepEqual(filled({}, ['{"a": 12']).lines, [":object |"]);
});

test("a document may be one value", () => {
  assert.deepEqual(filled({ title: "Word" }, ['"mill"']).lines, ["Word: mill"]);
});

test("what the schema names is expected, in its order and by its titles", () => {
  const schema = { title: "Recipe", properties: { dish: { title: "What" }, prep_minutes: {}, servesMany: {}, URL: {} } };
  assert.deepEqual(filled(schema, []).expected, ["Recipe", "What", "Prep minutes", "Serves many", "URL"]);
  for (const none of [undefined, true, null, [], "x", { properties: [] }]) assert.deepEqual(filled(none, []).expected, [""]);
});

test("references and parts are followed, and one that goes round in circles ends", () => {
  const schema = {
    $ref: "#/$defs/tree",
    $defs: {
      "a/b": { title: "Leaf" },
      tree: {
        title: "Tree",
        allOf: [{ properties: { leaf: { $ref: "#/$defs/a~1b" }, next: { anyOf: [{ type: "null" }, { $ref: "#" }] } } }, { $ref: "#" }],
      },
    },
  };
  const shape = new SchemaShape(schema);
  assert.deepEqual(shape.keys, ["leaf", "next"]);
  assert.equal(shape.member("leaf").title, "Leaf");
  assert.equal(shape.member("next").member("next").title, "Tree");
  for (const $ref of ["#/nowhere/at/all", "#/%", "https://example.org/s.json"]) assert.deepEqual(new SchemaShape({ $ref }).keys, []);
});

test("alternatives are not expected, and their members are found when they come", () => {
  const shape = new SchemaShape({ oneOf: [{ properties: { a: { title: "First" } } }, { properties: { b: { title: "Second" } } }] });
  assert.deepEqual(shape.keys, []);
  assert.equal(shape.member("b").title, "Second");
  assert.equal(new SchemaShape({ additionalProperties: { title: "Any" } }).member("x").title, "Any");
  assert.equal(new SchemaShape({ properties: { a: {} } }).member("__proto__").title, "");
  const tuple = new SchemaShape({ prefixItems: [{ title: "Head" }], items: { title: "Rest" } });
  assert.deepEqual([tuple.item(0).title, tuple.item(1).title], ["Head", "Rest"]);
});

test("a form is read out field by field, and a text in it as it goes", () => {
  const heard = [];
  const announcer = { open: () => heard.push(""), text: (piece) => heard.push(heard.pop() + piece), close() {} };
  filled({ title: "Mill" }, ['{"head_m": 3, "parts": ["wh', 'eel", {"name": "gate"}]}'], new FormAnnouncer(announcer));
  assert.deepEqual(heard, ["Mill.", "Head m: 3", "Parts.", "wheel", "Item 2.", "Name: gate"]);
});

test("a mistake in a schema is told with its place", () => {
  const mistakes = {
    "": /^Paste a JSON Schema here/,
    '{\n  "type": "object",\n  "a": }': /^Line 3, column 8: "}" stands where a value should\.$/,
    '{"type": "object"': /^Line 1, column 18: The text ends inside the document/,
    "{type: 1}": /^Line 1, column 2: "t" stands where a key in double quotes should\.$/,
    'Here it is: {"type": "object"}': /^Only the JSON, please/,
    "[]": /this is a list\.$/,
    null: /this is null\.$/,
    12: /this is a number\.$/,
  };
  for (const [text, mistake] of Object.entries(mistakes)) {
    const read = parseSchema(text);
    assert.equal(read.schema, null);
    assert.match(read.mistake, mistake);
  }
});

test("a schema is summed up by its fields", () => {
  const schema = (count) => ({ properties: Object.fromEntries(Array.from({ length: count }, (_, at) => [`f_${at}`, {}])) });
  assert.deepEqual(parseSchema(JSON.stringify(schema(1))), { schema: schema(1), mistake: "" });
  assert.equal(summarizeFields(schema(2)), "F 0, F 1.");
  assert.match(summarizeFields(schema(8)), /, F 5 and 2 more\.$/);
  assert.equal(summarizeFields({}), "Any answer that fits.");
});

test("the examples bound what a model may write, and ask for all of it", () => {
  const bounds = { string: "maxLength", array: "maxItems", integer: "maximum", object: "required" };
  const check = (schema) => {
    if (schema.type in bounds) assert.ok(bounds[schema.type] in schema, JSON.stringify(schema));
    for (const inner of [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])]) check(inner);
  };
  assert.deepEqual(Object.keys(SCHEMA_EXAMPLES), ["recipe", "places", "person"]);
  Object.values(SCHEMA_EXAMPLES).forEach(check);
});
