/** What is loaded when it is first needed: once, and where it cannot be had, without an error and not again at once. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { OnDemand } from "../../../flask_headrace/static/dom/on-demand.js";

test("it is loaded once, however many need it", async () => {
  const load = mock.fn(async () => "library");
  const library = new OnDemand(load);
  assert.equal(library.value, null);
  assert.deepEqual(await Promise.all([library.load(), library.load()]), ["library", "library"]);
  assert.equal(await library.load(), "library");
  assert.equal(library.value, "library");
  assert.equal(load.mock.callCount(), 1);
});

test("where it cannot be had, those who need it go without, and it is asked for again later", async () => {
  let now = 0;
  const clock = mock.method(performance, "now", () => now);
  let isThere = false;
  const load = mock.fn(async () => {
    if (!isThere) throw new Error("not found");
    return "library";
  });
  const library = new OnDemand(load);
  assert.deepEqual(await Promise.all([library.load(), library.load()]), [null, null]);
  isThere = true;
  assert.equal(await library.load(), null);
  assert.equal(load.mock.callCount(), 1);
  now += 31_000;
  assert.equal(await library.load(), "library");
  assert.equal(load.mock.callCount(), 2);
  clock.mock.restore();
});
