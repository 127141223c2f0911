/**
 * How much work a function does, as a number that is the same on any machine: not time, which others take part in.
 *
 * Counts each block of the page's own code that runs, by the coverage of the engine, and each character that its strings
 * and regular expressions are made to look at.
 */

import { Session } from "node:inspector";

// A string that was put together of pieces is made one of before it is looked into, whatever is found there.
const LOOKS = ["includes", "lastIndexOf", "trim", "trimStart", "trimEnd", "replaceAll", "replace", "split"];
const { exec } = RegExp.prototype;

/** Run `work`, and return how much it was. */
export function effortOf(work) {
  const looked = watchCharacters();
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  try {
    work();
    return looked() + blocks(session);
  } finally {
    session.post("Profiler.stopPreciseCoverage");
    session.disconnect();
  }
}

function blocks(session) {
  let count = 0;
  session.post("Profiler.takePreciseCoverage", (error, { result }) => {
    for (const { url, functions } of result) {
      if (!url.includes("/static/")) continue;
      for (const { ranges } of functions) for (const range of ranges) count += range.count;
    }
  });
  return count;
}

function watchCharacters() {
  let count = 0;
  const undo = [
    ...LOOKS.map((name) => wrap(String.prototype, name, (text) => (count += text.length))),
    wrap(String.prototype, "slice", (text, found) => (count += found.length)),
    wrap(String.prototype, "indexOf", (text, at, _, from = 0) => (count += (at < 0 ? text.length : at + 1) - from)),
    watchPatterns((length) => (count += length)),
  ];
  return () => {
    undo.forEach((back) => back());
    return count;
  };
}

/** One that matches has looked at all up to its match's end; one that does not at the rest, or if it is sticky at little. */
function watchPatterns(add) {
  RegExp.prototype.exec = function (text) {
    const from = this.sticky || this.global ? this.lastIndex : 0;
    const found = exec.call(this, text);
    add(found ? found.index + found[0].length - from : this.sticky ? 1 : String(text).length - from);
    return found;
  };
  return () => (RegExp.prototype.exec = exec);
}

function wrap(prototype, name, look) {
  const original = prototype[name];
  prototype[name] = function (...given) {
    const found = original.apply(this, given);
    look(this, found, ...given);
    return found;
  };
  return () => (prototype[name] = original);
}
