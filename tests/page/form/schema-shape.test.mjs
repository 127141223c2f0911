/** What a schema says of a value before the value is there. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SchemaShape } from "../../../flask_headrace/static/form/schema-shape.js";

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
