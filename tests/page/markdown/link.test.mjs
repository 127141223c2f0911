/** Where a link may lead, whatever tricks the address plays. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { safeHref } from "../../../flask_headrace/static/markdown/link.js";
import { treeOf } from "./tree.mjs";

const ALLOWED = [
  "http://a.b", "https://a.b/c?d=e&f#g", "HTTPS://A.B", "mailto:a@b.c", "https://[::1]:8000/", "https://a.b/ünïcode",
  "https://a.b/javascript:alert(1)", "https://a.b/@c", "https://a.b?c=d@e", "https://a.b/#c@d", "https://xn--80ak6aa92e.com/",
  "https://a.b:443/c", "http://127.0.0.1:8000/",
];

const FORBIDDEN = [
  "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "\u0001javascript:alert(1)",
  " javascript:alert(1)", "\u00a0javascript:alert(1)", "javascript\u200b:alert(1)", "vbscript:x", "data:text/html,x", "file:///etc/passwd",
  "blob:https://a.b/c", "about:blank", "view-source:https://a.b", "//a.b", "/a", "a", "#a", "?a", "", "http:", "http://", "https:///",
  "https:a.b", "https:\\\\a.b", "http:javascript:alert(1)", "ftp://a.b", "intent://a.b", "https://a\u0000.b", "https://[a]",
  "mailto://a",
  "https://good.com@evil.example", "https://good.com:pass@evil.example/", "https://@evil.example", "https://user@a.b/",
  "https://good.com%40evil.example@evil.example", "https://good.com\\@evil.example", "https://good.com\\.evil.example",
  "https://a.b\\c", "https://a.b/c\\d", "mailto:a\\@b.c", "https://a\u0007.b", "https://a.b/\u0085", "https://a.b/\u202egpj.exe",
  "https://good\u200b.com", "https://good\u00ad.com", "https://good.com\u2066.evil.example", "https://a.b/\u{e0041}",
  "https://good.com／evil.example", "https://good.com？evil.example", "https://a%00.b",
];

/** What reads otherwise than it leads, and where it leads. */
const LOOKALIKES = {
  "https://аррӏе.com/a": "https://xn--80ak6aa92e.com/a",
  "https://münchen.de": "https://xn--mnchen-3ya.de",
  "HTTP://gооgle.com:8080?q": "HTTP://xn--ggle-55da.com:8080?q",
  "https://good。com": "https://good.com",
  "https://good.com．evil.example/": "https://good.com.evil.example/",
  "https://good.com%2eevil.example/": "https://good.com.evil.example/",
  "https://ⓖood.com": "https://good.com",
  "http://0x7f.1/": "http://127.0.0.1/",
  "http://2130706433/": "http://127.0.0.1/",
};

for (const address of ALLOWED) test(`${address} is followed`, () => assert.equal(safeHref(address), address));
for (const address of FORBIDDEN) test(`${JSON.stringify(address)} is not followed`, () => assert.equal(safeHref(address), null));

for (const [address, href] of Object.entries(LOOKALIKES)) {
  test(`${address} is followed as ${href}`, () => assert.equal(safeHref(address), href));
}

test("an address that reads otherwise than it leads shows its host, also while it comes", () => {
  const shown = "<a https://xn--80ak6aa92e.com/a>https://аррӏе.com/a (xn--80ak6aa92e.com)</a>";
  assert.equal(String(treeOf("See https://аррӏе.com/a.")), `<p>See ${shown}.</p>`);
  assert.equal(String(treeOf("<https://аррӏе.com/a>")), `<p>${shown}</p>`);
  assert.equal(String(treeOf("[a](https://аррӏе.com/a)")), "<p><a https://xn--80ak6aa92e.com/a>a</a></p>");
});

for (const source of ["https://good.com@evil.example", "<https://good.com@evil.example>", "[good.com](https://good.com@evil.example)"]) {
  test(`${source} is no link`, () => assert.doesNotMatch(String(treeOf(source)), /<a/));
}

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
