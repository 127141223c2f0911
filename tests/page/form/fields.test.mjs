/** The fields that a growing document opens on a form, and how they are read out. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { FormAnnouncer } from "../../../flask_headrace/static/answer/form-announcer.js";
import { Fields } from "../../../flask_headrace/static/form/fields.js";
import { PartialJSON } from "../../../flask_headrace/static/json/partial-json.js";

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

test("a form is read out field by field, and a text in it as it goes", () => {
  const heard = [];
  const announcer = { open: () => heard.push(""), text: (piece) => heard.push(heard.pop() + piece), close() {} };
  filled({ title: "Mill" }, ['{"head_m": 3, "parts": ["wh', 'eel", {"name": "gate"}]}'], new FormAnnouncer(announcer));
  assert.deepEqual(heard, ["Mill.", "Head m: 3", "Parts.", "wheel", "Item 2.", "Name: gate"]);
});
