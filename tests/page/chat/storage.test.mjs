/** What a browser does not store is kept in memory. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { JSONStorage } from "../../../flask_headrace/static/chat/storage.js";

/** Storage of a browser that takes at most `limit` characters, and none at all once it is `closed`. */
function area(limit = Infinity) {
  const values = new Map();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, text) => {
      if (text.length > limit) throw new Error("QuotaExceededError");
      values.set(key, text);
    },
    removeItem: (key) => values.delete(key),
  };
}

/** Let the page have this storage, or none, or one whose mere mention throws. */
function begin(context, descriptor) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "sessionStorage");
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, ...descriptor });
  context.after(() => (before ? Object.defineProperty(globalThis, "sessionStorage", before) : delete globalThis.sessionStorage));
  return new JSONStorage("sessionStorage", "page:");
}

const REFUSING = {
  "throws when it is mentioned": { get: () => { throw new Error("SecurityError"); } },
  "is not there": { value: undefined },
  "is null": { value: null },
  "takes nothing": { value: area(0) },
  "does nothing but throw": { value: { getItem() { throw new Error(); }, setItem() { throw new Error(); }, removeItem() { throw new Error(); } } },
};

for (const [name, descriptor] of Object.entries(REFUSING)) {
  test(`where storage ${name}, values are kept for as long as the page is open`, (context) => {
    const storage = begin(context, descriptor);
    assert.equal(storage.read("key"), null);
    assert.equal(storage.write("key", "open-sesame"), false);
    assert.equal(storage.isPersistent, false);
    assert.equal(storage.read("key"), "open-sesame");
    storage.write("key", null);
    assert.equal(storage.read("key"), null);
  });
}

test("what is stored is stored under the prefix, and found by the next page", (context) => {
  const stored = area();
  const storage = begin(context, { value: stored });
  assert.equal(storage.write("turns", [1]), true);
  assert.deepEqual([...stored.values], [["page:turns", "[1]"]]);
  assert.deepEqual(new JSONStorage("sessionStorage", "page:").read("turns"), [1]);
  assert.ok(storage.isPersistent);
  storage.write("turns", null);
  assert.equal(stored.values.size, 0);
});

test("what is too large is kept in memory in place of what was stored, until something fits again", (context) => {
  const stored = area(10);
  const storage = begin(context, { value: stored });
  storage.write("turns", "old");
  assert.equal(storage.write("turns", "longer than that"), false);
  assert.equal(storage.read("turns"), "longer than that");
  assert.equal(storage.isPersistent, false);
  assert.equal(storage.write("turns", "new"), true);
  assert.equal(storage.read("turns"), "new");
  assert.ok(storage.isPersistent);
});

test("a value in memory is the one that was written, as in storage", (context) => {
  const storage = begin(context, { value: area(0) });
  const turns = [{ text: "a" }];
  storage.write("turns", turns);
  turns[0].text = "b";
  assert.deepEqual(storage.read("turns"), [{ text: "a" }]);
});

test("what is no JSON is neither stored nor thrown", (context) => {
  const storage = begin(context, { value: area() });
  const circle = {};
  circle.self = circle;
  assert.equal(storage.write("turns", circle), false);
  assert.equal(storage.write("turns", undefined), true);
  assert.equal(storage.read("turns"), null);
});

test("a stored text that is no JSON is nothing", (context) => {
  const stored = area();
  const storage = begin(context, { value: stored });
  stored.values.set("page:key", "{oops");
  assert.equal(storage.read("key"), null);
});
