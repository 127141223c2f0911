/** Work that waits for the next frame: once for each frame, the newest first, and no more than a frame has room for. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameQueue } from "../../../flask_headrace/static/dom/frame-queue.js";

/** A queue whose frames are drawn by hand, and a log of what was done. */
function makeQueue() {
  const callbacks = [];
  const done = [];
  const queue = new FrameQueue((callback) => callbacks.push(callback));
  const draw = () => callbacks.splice(0).forEach((callback) => callback());
  const makeWork = (name, cost = 1, again = 0) => ({
    render() {
      done.push(name);
      if (again-- > 0) queue.add(this);
      return cost;
    },
  });
  return { queue, draw, makeWork, done, callbacks };
}

test("work is done once in a frame, however often it was added", () => {
  const { queue, draw, makeWork, done } = makeQueue();
  const work = makeWork("a");
  for (let i = 0; i < 8; i++) queue.add(work);
  draw();
  draw();
  assert.deepEqual(done, ["a"]);
});

test("the newest work is done first, and what does not fit in a frame waits for the next", () => {
  const { queue, draw, makeWork, done } = makeQueue();
  for (const name of ["a", "b", "c"]) queue.add(makeWork(name, 5_000));
  draw();
  assert.deepEqual(done, ["c", "b"]);
  draw();
  assert.deepEqual(done, ["c", "b", "a"]);
});

test("work that has more to do goes on in the next frame", () => {
  const { queue, draw, makeWork, done, callbacks } = makeQueue();
  queue.add(makeWork("a", 1, 2));
  for (let i = 0; i < 5; i++) draw();
  assert.deepEqual(done, ["a", "a", "a"]);
  assert.equal(callbacks.length, 0);
});

test("work that fails does not keep other work from being done", () => {
  const { queue, draw, makeWork, done } = makeQueue();
  queue.add(makeWork("a"));
  queue.add({ render: () => { throw new Error("no"); } });
  assert.throws(draw, /no/);
  draw();
  assert.deepEqual(done, ["a"]);
});
