/**
 * TeX that is still being written: how it may go on, so that a formula can be shown before it is complete; and how much of it
 * is not worth trying. Does not know how TeX is rendered.
 */

/** Most characters of a formula. */
const MAX_LENGTH = 10_000;

/** Most groups and environments inside of one another: each takes a level of the renderer's stack. */
const MAX_DEPTH = 60;

/** Most characters of a formula that defines macros, and most macros that it may expand: each may be as long as the formula. */
const MAX_LENGTH_WITH_MACROS = 1_000;
const MAX_EXPANSIONS_WITH_MACROS = 100;

/** Most macros that a formula without definitions may expand. TeX's own commands are macros too, and are short. */
const MAX_EXPANSIONS = 20_000;

const DEFINITION = /\\(?:[egx]?def|let|futurelet|(?:re|provide)?newcommand|DeclareMathOperator|global|long)(?![a-zA-Z])/;

const TOKEN = /\\(begin|end)\s*\{([^{}]*)\}|\\(left|right)(?![a-zA-Z])|\\(?:[a-zA-Z]+|[^])|%.*|[{}]/g;

/**
 * What cannot stand at the end: a command whose name may go on, a delimiter or environment that is not named yet, or a mark that
 * waits for what it applies to.
 */
const UNFINISHED = /\\(?:begin|end)\s*\{[^{}]*$|\\(?:left|right|middle|begin|end)\s*$|\\[a-zA-Z]*$|[\^_&%]$/;

/** Characters in which what is unfinished is looked for: longer than any command. */
const LONGEST_UNFINISHED = 64;

/**
 * Return how many macros a formula may expand; 0 if it is not to be rendered at all.
 *
 * @param {string} tex
 */
export function expansionLimit(tex) {
  if (tex.length > MAX_LENGTH || openings(tex).depth > MAX_DEPTH) return 0;
  if (!DEFINITION.test(tex)) return MAX_EXPANSIONS;
  return tex.length > MAX_LENGTH_WITH_MACROS ? 0 : MAX_EXPANSIONS_WITH_MACROS;
}

/**
 * Return TeX to show in place of a formula whose end has not come, best first, and how many of its characters each stands for.
 *
 * What is open is closed, and arguments that are missing are empty.
 *
 * @param {string} tex the beginning of a formula
 * @returns {{tex: string, length: number}[]}
 */
export function completions(tex) {
  const begun = withoutUnfinishedEnd(tex);
  const { open } = openings(begun);
  if (!open || !begun) return [];
  const close = open.toReversed().join("");
  const fill = open.toReversed().map((end) => (end === "}" ? "}{}" : end));
  return [
    { tex: begun + close, length: begun.length },
    { tex: `${begun}{}${fill.join("")}`, length: begun.length },
  ];
}

/** @param {string} tex */
function withoutUnfinishedEnd(tex) {
  let length = tex.length;
  for (;;) {
    const end = tex.slice(Math.max(0, length - LONGEST_UNFINISHED), length);
    const isLineBreak = /(?<!\\)(?:\\\\)+$/.test(end);
    const found = isLineBreak ? null : UNFINISHED.exec(end);
    if (!found) return tex.slice(0, length);
    length -= end.length - found.index;
  }
}

/**
 * Return what would close the groups and environments that are open at the end, outermost first; null if they do not fit
 * together; and how many were open at the same time.
 *
 * @param {string} tex
 * @returns {{open: string[] | null, depth: number}}
 */
function openings(tex) {
  const open = [];
  let depth = 0;
  for (const [token, environment, name, fence] of tex.matchAll(TOKEN)) {
    if (token === "{") open.push("}");
    else if (environment === "begin") open.push(`\\end{${name}}`);
    else if (fence === "left") open.push("\\right.");
    else if (token === "}" || environment || fence) {
      const closed = open.pop();
      if (closed !== (token === "}" ? "}" : environment ? `\\end{${name}}` : "\\right.")) return { open: null, depth };
    }
    depth = Math.max(depth, open.length);
  }
  return { open, depth };
}
