/**
 * The library that highlights code: loads it and its grammars when an answer needs them, and turns what it finds into tokens
 * of the few kinds that have a colour on the page.
 */

import { loadStyleSheet, OnDemand } from "../dom/on-demand.js";
import { grammarsFor } from "./code-languages.js";

/** @import { Token, Tokenizer } from "./code-tokens.js" */

/**
 * A part of code that the library has named, such as "title.function"; text is in none.
 *
 * @typedef {{scope?: string, children: (ScopeNode | string)[]}} ScopeNode
 *
 * What the library returns of a piece of code: its parts, and the mode at its end, which has no parent where that is inside of
 * nothing.
 * @typedef {{_emitter: {rootNode: ScopeNode}, _top?: {parent?: object}}} LibraryResult
 *
 * @typedef {object} CodeLibrary
 * @property {(code: string, options: {language: string, ignoreIllegals: boolean}) => LibraryResult} highlight
 * @property {(name: string, grammar: unknown) => void} registerLanguage
 * @property {(name: string) => object | undefined} getLanguage
 */

/** The kinds that have a colour, and the scopes that are of each. A scope that has none looks like what it stands in. */
const KINDS = {
  comment: "comment quote",
  keyword: "keyword literal name selector-tag operator.keyword",
  string: "string regexp char char.escape link symbol",
  number: "number bullet",
  title: "title title.function section selector-id selector-class",
  type: "type built_in class title.class selector-pseudo template-tag",
  attribute: "attr attribute property variable template-variable selector-attr",
  meta: "meta doctag code formula",
  addition: "addition",
  deletion: "deletion",
  emphasis: "emphasis",
  strong: "strong",
  plain: "subst",
};

/** @type {Map<string, string>} */
const KIND_OF = new Map(
  Object.entries(KINDS).flatMap(([kind, scopes]) => scopes.split(" ").map((scope) => /** @type {const} */ ([scope, kind]))),
);

const FOLDER = new URL("../libraries/highlight/", import.meta.url).href;

/** @type {OnDemand<CodeLibrary>} */
const core = new OnDemand(async () => {
  const { default: library } = await import(`${FOLDER}core.min.js`);
  await loadStyleSheet(new URL("../css/highlight.css", import.meta.url).href);
  return library;
});

/** Returns the tokenizers of a grammar and of those inside of it. @typedef {(grammar: string) => Tokenizer} Tokenizers */

/** @type {Map<string, OnDemand<Tokenizers>>} */
const loaders = new Map();

/**
 * Return what loads the tokenizers of a grammar, the same for each call.
 *
 * @param {string} grammar
 * @returns {OnDemand<Tokenizers>}
 */
export function tokenizersFor(grammar) {
  const known = loaders.get(grammar);
  if (known) return known;
  const loader = new OnDemand(() => loadGrammars(grammar));
  loaders.set(grammar, loader);
  return loader;
}

/**
 * @param {string} grammar
 * @returns {Promise<Tokenizers>}
 */
async function loadGrammars(grammar) {
  const library = await core.load();
  if (!library) throw new Error("the library that highlights code cannot be loaded");
  const missing = grammarsFor(grammar).filter((name) => !library.getLanguage(name));
  const modules = await Promise.all(missing.map((name) => import(`${FOLDER}${name}.min.js`)));
  missing.forEach((name, index) => library.registerLanguage(name, modules[index].default));
  return (name) => tokenizerOf(library, name);
}

/**
 * Return the tokenizer for a grammar that the library has. Its tokens have exactly the code's characters.
 *
 * @param {CodeLibrary} library
 * @param {string} language
 * @returns {Tokenizer}
 */
export function tokenizerOf(library, language) {
  return (code) => {
    /** @type {Token[]} */
    const tokens = [];
    try {
      const { _emitter, _top } = library.highlight(code, { language, ignoreIllegals: true });
      collect(_emitter.rootNode, null, tokens);
      const isWhole = tokens.map(([, text]) => text).join("") === code;
      if (isWhole) return { tokens, isSettled: !_top?.parent };
    } catch {
      // A grammar that fails on this code, or nests too deep for the stack: the code stays plain.
    }
    return { tokens: [[null, code]], isSettled: true };
  };
}

/**
 * Add the tokens of a node to the list, joined where they are of one kind.
 *
 * @param {ScopeNode} node
 * @param {string | null} outer the kind that the node stands in
 * @param {Token[]} tokens
 */
function collect(node, outer, tokens) {
  const kind = kindOf(node.scope, outer);
  for (const child of node.children) {
    if (typeof child !== "string") collect(child, kind, tokens);
    else if (tokens.at(-1)?.[0] === kind) tokens[tokens.length - 1][1] += child;
    else tokens.push([kind, child]);
  }
}

/**
 * @param {string | undefined} scope
 * @param {string | null} outer
 */
function kindOf(scope, outer) {
  if (!scope) return outer;
  if (scope.startsWith("language:")) return null;
  const kind = KIND_OF.get(scope) ?? KIND_OF.get(scope.split(".")[0]) ?? outer;
  return kind === "plain" ? null : kind;
}
