/** Read cases from standard input, each `{pieces, ops, kind, at}`, and print those in which this parser does otherwise. */

import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";

import { JSONError, PartialJSON } from "../../flask_headrace/static/json/partial-json.js";
import { plain } from "./json/growing.mjs";

function run(pieces) {
  const parser = new PartialJSON();
  const ops = [];
  try {
    for (const piece of pieces) ops.push(parser.feed(piece));
    ops.push(parser.end());
    return { ops, kind: null, at: null };
  } catch (error) {
    if (!(error instanceof JSONError)) throw error;
    ops.push(error.ops);
    return { ops, kind: error.kind, at: [...pieces.join("").slice(0, error.at)].length };
  }
}

for (const { pieces, ...expected } of plain(JSON.parse(readFileSync(0, "utf8")))) {
  const found = plain(run(pieces));
  try {
    deepStrictEqual(found, expected);
  } catch {
    console.log(JSON.stringify({ pieces, expected, found }));
  }
}
