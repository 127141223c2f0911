/**
 * How a line of Markdown begins: in which containers it stays, which ones it opens, and which leaf block takes its text.
 *
 * Knows the first characters of one line, and what was open before it. Changes nothing. Returns null as long as further
 * characters could change the result, so the same line gives the same result however it is cut.
 */

import { enterContainers, readVerbatim, skipQuoteMark } from "./line-continuation.js";
import { Line } from "./line.js";
import { unescape } from "./link.js";
import { isDelimiters } from "./table-line.js";

/** @import { Container, NewContainer } from "./containers.js" */
/** @import { LeafStart, LineStart, OpenLeaf } from "./line-continuation.js" */

/** Most containers inside each other. A list and its item count as two. */
const MAX_DEPTH = 24;

const RULE = /^(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const MAYBE_RULE = /^([-*_])[ \t]*(?:\1[ \t]*)*$/;
const UNDERLINE = /^(?:=+|-+)[ \t]*$/;
const MAYBE_BELOW = /^(?:=+[ \t]*|[|:\- \t]+)$/;
const MARKER = /^([-+*]|(\d{1,9})[.)])(?=[ \t]|$)/;
const MAYBE_MARKER = /^(?:[-+*]|\d{1,9}[.)]?)$/;
const TASK = /^\[([ xX])\](?=[ \t]|$)/;
const MAYBE_TASK = /^\[(?:[ xX]\]?)?$/;
const TAGS = ["<details>", "<details open>", '<details open="">', "</details>", "<summary>"];

/**
 * Return how a line begins.
 *
 * @param {string} text the line as far as it has come
 * @param {boolean} isWhole whether the line's end was reached
 * @param {Container[]} containers the open containers, outermost first
 * @param {OpenLeaf | null} leaf the open leaf block
 * @returns {LineStart | null} null while further characters could change the result
 */
export function startOfLine(text, isWhole, containers, leaf) {
  return new LineReader(text, isWhole, containers, leaf).read();
}

/**
 * Return how a line begins whose start is too long to wait for more of it: its rest counts as text.
 *
 * @param {string} text
 * @param {Container[]} containers
 * @param {OpenLeaf | null} leaf
 * @returns {LineStart}
 */
export function startOfLongLine(text, containers, leaf) {
  const reader = new LineReader(text, true, containers, leaf);
  const depth = enterContainers(reader.line, containers) ?? 0;
  const isVerbatim = leaf?.kind === "fence" || leaf?.kind === "indented" || leaf?.kind === "math";
  const kind = depth === containers.length && isVerbatim ? "more" : "text";
  return { depth, opens: [], kind, rest: kind === "more" ? reader.line.rest : reader.line.rest.trimStart() };
}

/** Reads the beginning of one line. */
class LineReader {
  /**
   * @param {string} text
   * @param {boolean} isWhole
   * @param {Container[]} containers
   * @param {OpenLeaf | null} leaf
   */
  constructor(text, isWhole, containers, leaf) {
    this.line = new Line(text, isWhole);
    this.isWhole = isWhole;
    this.containers = containers;
    this.leaf = leaf;
    /** @type {NewContainer[]} */
    this.opens = [];
    /** Whether the line stays in all open containers. */
    this.isInside = false;
  }

  /** @returns {LineStart | null} */
  read() {
    const depth = enterContainers(this.line, this.containers);
    if (depth === null) return null;
    this.isInside = depth === this.containers.length;
    this.depth = depth;
    const found = this.isInside && this.leaf ? readVerbatim(this.line, this.leaf) : "plain";
    const start = found === "plain" ? this.#readPlain() : found;
    return start && { depth: this.depth, opens: this.opens, ...start };
  }

  /** @returns {LeafStart | null} */
  #readPlain() {
    const { line } = this;
    for (;;) {
      if (line.isBlank) return this.isWhole ? { kind: "blank", rest: "" } : null;
      const isFirst = this.opens.length === 0;
      const isLazy = isFirst && this.leaf?.kind === "paragraph";
      if (line.indent > 3) return isLazy ? this.#readText() : this.#readIndented();
      const { indent } = line;
      line.skipBlanks();
      const rest = line.rest;
      const below = isFirst && this.isInside && this.#readBelow(rest);
      if (below !== false) return below;
      const hasRoom = this.containers.length + 2 * this.opens.length < MAX_DEPTH;
      const opened = hasRoom ? this.#openContainer(rest, indent, isFirst) : false;
      if (opened === null) return null;
      if (opened === false) return this.#readLeaf(rest, indent);
      if (opened !== true) return opened;
    }
  }

  /**
   * Open the container that the line goes on with.
   *
   * @param {string} rest
   * @param {number} indent columns before it
   * @param {boolean} isFirst
   * @returns {boolean | LeafStart | null} false where there is none; null while it is not decided
   */
  #openContainer(rest, indent, isFirst) {
    if (rest[0] === ">") {
      if (!skipQuoteMark(this.line)) return null;
      this.opens.push({ kind: "quote" });
      return true;
    }
    if (rest[0] === "<") return this.#readTag(rest);
    if (this.#mayBecome(MAYBE_RULE, rest)) return null;
    if (RULE.test(rest)) return { kind: "rule", rest: "" };
    if (this.#mayBecome(MAYBE_MARKER, rest)) return null;
    const marker = MARKER.exec(rest);
    if (!marker) return false;
    if (!this.isWhole && !rest.slice(marker[0].length).trim()) return null;
    return this.#mayInterrupt(marker, isFirst) ? this.#openItem(marker, indent) : false;
  }

  /** @type {(rest: string) => boolean | LeafStart | null} Read a tag of `details`. */
  #readTag(rest) {
    const written = rest.slice(0, 20).toLowerCase();
    if (!this.isWhole && TAGS.some((tag) => tag.startsWith(written) && tag !== written)) return null;
    const tag = TAGS.find((one) => written.startsWith(one));
    const within = this.opens.at(-1)?.kind ?? this.containers.slice(0, this.depth).at(-1)?.kind;
    const after = rest.slice(tag?.length).trimStart();
    if (tag === "<summary>" && within === "details") return { kind: "summary", rest: after };
    if (tag === "</details>" && !this.opens.length) {
      const index = this.containers.findLastIndex(({ kind }, place) => kind === "details" && place < (this.depth ?? 0));
      if (index < 0) return false;
      if (!after && !this.isWhole) return null;
      if (after) return false;
      this.depth = index;
      return { kind: "end of details", rest: "" };
    }
    if (!tag?.startsWith("<details")) return false;
    this.opens.push({ kind: "details", open: tag !== "<details>" });
    this.line.skip(tag.length);
    return true;
  }

  /**
   * Read a line that may turn the block above it into a table or a heading.
   *
   * @param {string} rest
   * @returns {LeafStart | null | false} false where the line does not
   */
  #readBelow(rest) {
    const { leaf } = this;
    if (leaf?.kind !== "paragraph" && leaf?.kind !== "table") return false;
    if (leaf.kind === "table" && leaf.isConfirmed) return false;
    if (this.#mayBecome(MAYBE_BELOW, rest)) return null;
    if (/[|:]/.test(rest) && isDelimiters(rest, leaf.columns ?? 0)) return { kind: "delimiters", rest };
    if (leaf.kind === "paragraph" && UNDERLINE.test(rest) && leaf.canBeHeading?.()) return { kind: "underline", rest };
    return false;
  }

  /**
   * Return whether a marker begins an item here. In the middle of a paragraph "1986." and a lone "-" are text.
   *
   * @param {RegExpExecArray} marker
   * @param {boolean} isFirst whether nothing was opened before it in this line
   */
  #mayInterrupt([all, , number], isFirst) {
    if (!isFirst || !this.isInside || this.leaf?.kind !== "paragraph") return true;
    if (this.containers.at(-1)?.kind === "list") return true;
    const isEmpty = this.line.rest.slice(all.length).trim() === "";
    return !isEmpty && (!number || Number(number) === 1);
  }

  /**
   * Open a list item, and return whether its beginning is complete.
   *
   * @param {RegExpExecArray} marker
   * @param {number} indent columns before the marker
   */
  #openItem([all, mark, number], indent) {
    const { line } = this;
    line.skip(all.length);
    const blanks = line.indent;
    const isEmpty = line.isBlank;
    const padding = isEmpty || blanks > 4 ? Math.min(1, blanks) : blanks;
    const rest = line.text.slice(line.next);
    if (this.#mayBecome(MAYBE_TASK, rest)) return null;
    const task = blanks > 4 ? null : TASK.exec(rest);
    line.skipColumns(padding);
    if (task) {
      line.skip(task[0].length);
      line.skipBlanks();
    }
    this.opens.push({
      kind: "item",
      key: mark.slice(-1),
      number: number ? Number(number) : null,
      width: indent + all.length + (isEmpty ? 1 : padding),
      task: task ? task[1] !== " " : null,
    });
    return true;
  }

  /**
   * @param {string} rest
   * @param {number} indent columns before it
   * @returns {LeafStart | null}
   */
  #readLeaf(rest, indent) {
    if (this.#mayBecome(/^(?:#{1,6}|`{1,2}|~{1,2}|\\|\${1,2}|\|)$/, rest)) return null;
    const heading = /^(#{1,6})(?:[ \t]+|$)/.exec(rest);
    if (heading) return { kind: "heading", level: heading[1].length, rest: rest.slice(heading[0].length) };
    const fence = /^(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(rest);
    if (fence) {
      const language = unescape(fence[2].trim()).split(/[\s{,]/)[0];
      return this.isWhole ? { kind: "fence", mark: fence[1], indent, language, rest: "" } : null;
    }
    const isFormula = this.#isFormula(rest);
    if (isFormula === null) return null;
    if (isFormula) return { kind: "math", rest };
    return this.#readText();
  }

  /**
   * Return whether a formula of its own lines begins. `\[` alone or before a blank is one, and `\[` before other text if its end
   * stands in the same line: "\[a](b)" is an escaped bracket.
   *
   * @param {string} rest
   */
  #isFormula(rest) {
    if (rest.startsWith("$$")) return rest[2] !== "$";
    if (!rest.startsWith("\\[")) return false;
    if (rest.length === 2) return this.isWhole || null;
    return /^\\\[(?:\s|.*[^\s\\].*\\\])/.test(rest) || (this.isWhole ? false : null);
  }

  /** @returns {LeafStart} */
  #readText() {
    this.line.skipBlanks();
    const { rest } = this.line;
    if (this.leaf?.kind === "table" && this.isInside && !this.opens.length) {
      return { kind: this.leaf.isConfirmed ? "row" : "no table", rest };
    }
    if (this.leaf?.kind === "summary" && this.isInside && !this.opens.length) return { kind: "more", rest };
    const isInParagraph = this.leaf?.kind === "paragraph" && !this.opens.length;
    return { kind: /^\|[ \t]/.test(rest) && !isInParagraph ? "table" : "text", rest };
  }

  /** @returns {LeafStart} */
  #readIndented() {
    this.line.skipColumns(4);
    return { kind: "indented", rest: this.line.rest };
  }

  /**
   * Return whether the line is unfinished, and more of it may change what it is, according to a pattern.
   *
   * @param {RegExp} pattern
   * @param {string} rest
   */
  #mayBecome(pattern, rest) {
    return !this.isWhole && pattern.test(rest);
  }
}
