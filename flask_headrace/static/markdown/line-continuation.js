/**
 * How a line goes on with what is open: the containers in which it stays, and a leaf block whose text is no Markdown.
 *
 * Reads the line from its beginning. Returns null as long as further characters could change the result.
 */

/** @import { Container, NewContainer } from "./containers.js" */
/** @import { Line } from "./line.js" */

/**
 * The open leaf block, as far as a line's beginning depends on it.
 * @typedef {{kind: "paragraph" | "heading" | "fence" | "indented" | "table" | "math" | "summary", mark?: string, indent?: number,
 *   isConfirmed?: boolean, columns?: number, canBeHeading?: () => boolean}} OpenLeaf
 *
 * What a line's text is: a leaf block or a part of one, with the text itself as `rest`. "delimiters" is the line of dashes
 * below a table's head, "underline" one below a heading, "more" goes on in the open leaf, and "no table" takes back a head.
 * @typedef {{kind: "blank" | "rule" | "delimiters" | "underline" | "end of fence" | "more" | "row" | "no table" | "table" | "text"
 *     | "indented" | "math" | "summary" | "end of details", rest: string} |
 *   {kind: "heading", level: number, rest: string} |
 *   {kind: "fence", mark: string, indent: number, language: string, rest: string}} LeafStart
 *
 * `depth` is how many of the open containers stay open, and `opens` are the containers to open inside them.
 * @typedef {{depth: number, opens: NewContainer[]} & LeafStart} LineStart
 */

/**
 * Skip the marks of the containers that a line stays in.
 *
 * @param {Line} line
 * @param {Container[]} containers outermost first
 * @returns {number | null} the number of containers; null while it is not decided
 */
export function enterContainers(line, containers) {
  for (const [depth, container] of containers.entries()) {
    if (container.kind === "list" || container.kind === "details") continue;
    if (line.isBlank && !line.isWhole) return null;
    if (container.kind === "quote") {
      if (line.indent > 3 || line.text[line.next] !== ">") return depth;
      if (!skipQuoteMark(line)) return null;
    } else {
      const isInside = enterItem(line, container);
      if (isInside !== true) return isInside === null ? null : depth;
    }
  }
  return containers.length;
}

/** @type {(line: Line, item: Container & {kind: "item"}) => boolean | null} */
function enterItem(line, item) {
  if (line.isBlank) return !item.isEmpty;
  if (line.indent >= item.width) {
    line.skipColumns(item.width);
    return true;
  }
  const belongs = belongsTo(line, item);
  if (belongs) line.skipBlanks();
  return belongs;
}

/**
 * Return whether a line that is indented too little belongs to an item all the same: of a numbered item, many models indent
 * the bullets and the code by two columns or three, whatever the number's width.
 *
 * @type {(line: Line, item: Container & {kind: "item"}) => boolean | null}
 */
function belongsTo(line, { key, width }) {
  if (line.indent < 2 || width < 3 || key !== ".") return false;
  const rest = line.text.slice(line.next);
  if (!line.isWhole && /^(?:[-+*]|`{1,2}|~{1,2})$/.test(rest)) return null;
  return /^(?:[-+*](?:[ \t]|$)|```|~~~)/.test(rest);
}

/**
 * Skip a quote mark and the blank that belongs to it. Returns false while that blank may still come.
 *
 * @param {Line} line
 */
export function skipQuoteMark(line) {
  line.skipBlanks();
  line.skip(1);
  if (line.index === line.text.length && !line.isWhole) return false;
  line.skipBlank();
  return true;
}

/**
 * Read a line that goes on in a block whose text is no Markdown.
 *
 * @param {Line} line
 * @param {OpenLeaf} leaf
 * @returns {LeafStart | null | "plain"} "plain" where it does not
 */
export function readVerbatim(line, leaf) {
  if (leaf.kind === "math") {
    if (line.isBlank) return line.isWhole ? "plain" : null;
    return { kind: "more", rest: line.rest };
  }
  if (leaf.kind === "indented") {
    if (line.isBlank && !line.isWhole) return null;
    if (!line.isBlank && line.indent < 4) return "plain";
    line.skipColumns(4);
    return { kind: "more", rest: line.rest };
  }
  return leaf.kind === "fence" ? readFenced(line, leaf) : "plain";
}

/** @type {(line: Line, fence: OpenLeaf) => LeafStart | null} */
function readFenced(line, { mark: opening = "", indent = 0 }) {
  const mark = line.indent > 3 ? undefined : /^(`*|~*)[ \t]*$/.exec(line.text.slice(line.next))?.[1];
  const mayClose = mark !== undefined && (mark === "" || mark[0] === opening[0]);
  if ((mayClose || line.isBlank) && !line.isWhole) return null;
  if (mayClose && mark.length >= opening.length) return { kind: "end of fence", rest: "" };
  line.skipColumns(Math.min(indent, line.indent));
  return { kind: "more", rest: line.rest };
}
