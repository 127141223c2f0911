/** The numbers of regions with the same name. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { RegionNames } from "../../../flask_headrace/static/answer/region-names.js";

const shown = () => ({ isConnected: true });

test("each region has a name of its own, with a number from the second one on", () => {
  const names = new RegionNames();
  const regions = [shown(), shown(), shown()];
  assert.deepEqual(regions.map((region) => names.unique("Code", region)), ["Code", "Code 2", "Code 3"]);
  assert.equal(names.unique("Table", shown()), "Table");
});

test("a number is used again once its region is gone, in the middle and at the end", () => {
  const names = new RegionNames();
  const regions = [shown(), shown(), shown(), shown()];
  for (const region of regions) names.number("Answer", region);
  regions[1].isConnected = regions[3].isConnected = false;
  const later = [shown(), shown(), shown()];
  assert.deepEqual(later.map((region) => names.number("Answer", region)), [2, 4, 5]);
});

test("a region that is not on the page yet keeps its number", async () => {
  const names = new RegionNames();
  const region = { isConnected: false };
  assert.equal(names.number("Answer", region), 1);
  assert.equal(names.number("Answer", shown()), 2);
  region.isConnected = true;
  await null;
  assert.equal(names.number("Answer", shown()), 3);
  region.isConnected = false;
  assert.equal(names.number("Answer", shown()), 1);
});

test("very many regions have different names", () => {
  const names = new RegionNames();
  const regions = Array.from({ length: 20_000 }, shown);
  assert.equal(new Set(regions.map((region) => names.unique("Code", region))).size, 20_000);
});
