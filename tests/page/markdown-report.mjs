/**
 * Print, as JSON, how streamed Markdown does: the examples of the specifications, and how often text that is shown changes.
 *
 * `benchmarks` reads it, and prints it beside what others do.
 */

import { countChanges } from "./markdown/prefixes.mjs";
import { COMMONMARK, GFM, check } from "./markdown/spec.mjs";

function table(examples) {
  const sections = {};
  for (const example of examples) {
    const section = (sections[example.section] ??= { examples: 0, right: 0 });
    section.examples++;
    section.right += Number(check(example).isRight);
  }
  return { examples: examples.length, right: examples.filter((example) => check(example).isRight).length, sections };
}

console.log(JSON.stringify({ commonmark: table(COMMONMARK), gfm: table(GFM), prefixes: countChanges() }, null, 2));
