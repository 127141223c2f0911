/** Read cases from standard input, each `{document, ops, documents}`, and print those in which this JSONDocument does otherwise. */

import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";

import { JSONDocument } from "../../flask_headrace/static/json/document.js";
import { plain } from "./json/growing.mjs";

/** Return what each op makes of a document: the document, or null for the first op without a place. */
function run(start, ops) {
  const document = start === null ? new JSONDocument() : new JSONDocument(start[0]);
  const documents = [];
  for (const op of ops) {
    try {
      document.apply([op]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      documents.push(null);
      break;
    }
    documents.push(document.value === undefined ? [null] : [structuredClone(document.value)]);
  }
  return documents;
}

for (const { document, ops, documents } of JSON.parse(readFileSync(0, "utf8"))) {
  const found = plain(run(document, ops));
  try {
    deepStrictEqual(found, plain(documents));
  } catch {
    console.log(JSON.stringify({ document, ops, documents, found }));
  }
}
