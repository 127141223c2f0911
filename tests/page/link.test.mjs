/** Where a link may lead, whatever tricks the address plays. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { safeHref } from "../../static/link.js";
import { treeOf } from "./tree.mjs";

const ALLOWED = [
  "http://a.b", "https://a.b/c?d=e&f#g", "HTTPS://A.B", "mailto:a@b.c", "https://[::1]:8000/", "https://a.b/ünïcode",
  "https://user@a.b/", "https://a.b/javascript:alert(1)",
];

const FORBIDDEN = [
  "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "\u0001javascript:alert(1)",
  " javascript:alert(1)", "\u00a0javascript:alert(1)", "javascript\u200b:alert(1)", "vbscript:x", "data:text/html,x", "file:///etc/passwd",
  "blob:https://a.b/c", "about:blank", "view-source:https://a.b", "//a.b", "/a", "a", "#a", "?a", "", "http:", "http://", "https:///",
  "https:a.b", "https:\\\\a.b", "http:javascript:alert(1)", "ftp://a.b", "intent://a.b", "https://a\u0000.b", "https://[a]",
  "mailto://a",
];

for (const address of ALLOWED) test(`${address} is followed`, () => assert.equal(safeHref(address), address));
for (const address of FORBIDDEN) test(`${JSON.stringify(address)} is not followed`, () => assert.equal(safeHref(address), null));

const DISGUISED = [
  "[a](javascript:alert(1))",
  "[a](<javascript:alert(1)>)",
  "[a](&#106;avascript:alert(1))",
  "[a](&#x6A;avascript&#58;alert(1))",
  "[a](javascript&colon;alert(1))",
  "[a](java\\script:alert(1))",
  "[a](<java\tscript:alert(1)>)",
  "[a](\u0001javascript:alert(1))",
  "[a](data:text/html;base64,PHNjcmlwdD4=)",
  "![a](javascript:alert(1))",
  "<javascript:alert(1)>",
  "[a](//evil.example)",
  "[![a](https://b.c/d.png)](javascript:alert(1))",
];

for (const source of DISGUISED) {
  test(`${source} leads to no script`, () => assert.doesNotMatch(String(treeOf(source)), /<a (?!https:\/\/b\.c)/));
}
