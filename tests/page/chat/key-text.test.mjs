/** A key as it is pasted, and as it can be sent. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { cleanKey, unsendableCharacters } from "../../../flask_headrace/static/chat/key-text.js";

for (const [name, character] of Object.entries({
  "zero-width space": "\u200b", "zero-width joiner": "\u200d", "word joiner": "\u2060", "byte order mark": "\ufeff",
  "soft hyphen": "\u00ad", "left-to-right mark": "\u200e", "isolate": "\u2068", "line separator": "\u2028", "paragraph separator": "\u2029",
  "line end": "\r\n", tab: "\t", nul: "\0", delete: "\x7f", "next line": "\x85", "no-break space": "\u00a0", "thin space": "\u2009",
  "ideographic space": "\u3000", "Hangul filler": "\u3164", "Braille blank": "\u2800", "variation selector": "\ufe0f", tag: "\u{e0041}",
})) {
  test(`a ${name} is removed wherever it is`, () => {
    const pasted = `${character}open${character}-sesame ${character}`;
    assert.equal(cleanKey(pasted), "open-sesame");
    assert.equal(unsendableCharacters(cleanKey(pasted)), "");
  });
}

test("a key with a space, and with letters of Latin-1, can be sent as it is", () => {
  for (const key of ["open sesame", "schlüssel§", "a~!'\"\\"]) {
    assert.equal(cleanKey(key), key);
    assert.equal(unsendableCharacters(key), "");
    new Headers({ Authorization: `Bearer ${key}` });
  }
});

test("what no header can carry is named, each once", () => {
  assert.equal(unsendableCharacters("sk-“abc”–“x”"), "“ ” –");
  assert.equal(unsendableCharacters("ключ"), "к л ю ч");
  assert.equal(unsendableCharacters("🔑"), "🔑");
  assert.equal(unsendableCharacters("\ud83d"), "\ud83d");
});
