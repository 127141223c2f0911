import assert from "node:assert/strict";
import { readPageOptions } from "../../../flask_headrace/static/chat/page-options.js";

const all = readPageOptions({ dataset: {} });
assert.equal(all.title, "Headrace");
assert.ok(Object.values(all.features).every(Boolean));

const set = { title: "Mill", examples: ["Why?"], features: { settings: false } };
const some = readPageOptions({ dataset: { page: JSON.stringify(set) } });
assert.deepEqual([some.title, some.examples, some.greeting], ["Mill", ["Why?"], null]);
assert.deepEqual([some.features.settings, some.features.export], [false, true]);
