/**
 * The library that highlights code, as the set-up has fetched it, outside of a browser.
 */

import { existsSync } from "node:fs";
import { grammarsFor } from "../../../flask_headrace/static/answer/code-languages.js";
import { tokenizerOf } from "../../../flask_headrace/static/answer/highlighter.js";

const FOLDER = new URL("../../../flask_headrace/static/libraries/highlight/", import.meta.url);

/** End the test where the library is not there: it fails only if no test may be left out. */
export function requireLibraries() {
  if (existsSync(new URL("core.min.js", FOLDER))) return;
  console.log("the page's libraries are missing: run python tools/page_libraries.py");
  process.exit(process.env.REQUIRE_ALL_TESTS ? 1 : 0);
}

/** Return the function that returns the tokenizers of a grammar and of those inside of it. */
export async function loadTokenizers(grammar) {
  const { default: library } = await import(new URL("core.min.js", FOLDER));
  for (const name of grammarsFor(grammar)) {
    if (!library.getLanguage(name)) library.registerLanguage(name, (await import(new URL(`${name}.min.js`, FOLDER))).default);
  }
  return (name) => tokenizerOf(library, name);
}
