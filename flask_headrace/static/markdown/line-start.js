/**
 * How a line of Markdown begins: in which containers it stays, which ones it opens, and which leaf block takes its text.
 *
 * Knows the first characters of one line, and what was open before it. Changes nothing. Returns null as long as further
 * characters could change the result, so the same line gives the same result however it is cut.
 */

/** @import { Fence, Heading, Paragraph } from "./leaf-blocks.js" */
/** @import { Table } from "./table.js" */

/**
 * An open container block. `key` is the last character of a list's marker: it keeps "-" and "*", "1." and "1)" apart.
 * `width` is by how many columns a line must be indented to belong to an item.
 * @typedef {{kind: "quote"} | {kind: "list", key: string} | {kind: "item", key: string, width: number}} Container
 *
 * A container that a line opens. `number` is null for an item of a bullet list, `task` for an item that is no task.
 * @typedef {{kind: "quote"} | {kind: "item", key: string, width: number, number: number | null, task: boolean | null}} NewContainer
 *
 * @typedef {Paragraph | Heading | Fence | Table} Leaf
 *
 * What a line's text is: a leaf block or a part of one, with the text itself as `rest`. "delimiters" is the line of dashes
 * below a table's head, "underline" one below a heading, "fenced" a line of code, and "no table" takes back a table's head.
 * @typedef {{kind: "blank" | "rule" | "delimiters" | "underline" | "end of fence" | "fenced" | "row" | "no table" | "table" | "text",
 *     rest: string} |
 *   {kind: "heading", level: number, rest: string} |
 *   {kind: "fence", mark: string, indent: number, language: string, rest: string}} LeafStart
 *
 * `depth` is how many of the open containers stay open, and `opens` are the containers to open inside them.
 * @typedef {{depth: number, opens: NewContainer[]} & LeafStart} LineStart
 */

/** Most containers inside each other. A list and its item count as two. */
const MAX_DEPTH = 24;

const RULE = /^(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const MAYBE_RULE = /^([-*_])[ \t]*(?:\1[ \t]*)*$/;
const UNDERLINE = /^(?:={2,}|-{2,})[ \t]*$/;
const DELIMITERS = /^\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const MAYBE_BELOW = /^(?:=+[ \t]*|[|:\- \t]+)$/;
const MARKER = /^([-+*]|(\d{1,9})[.)])(?=[ \t]|$)/;
const MAYBE_MARKER = /^(?:[-+*]|\d{1,9}[.)]?)$/;
const TASK = /^\[([ xX])\](?=[ \t]|$)/;
const MAYBE_TASK = /^\[(?:[ xX]\]?)?$/;

/**
 * Return how a line begins.
 *
 * @param {string} line the line as far as it has come
 * @param {boolean} isWhole whether the line's end was reached
 * @param {Container[]} containers the open containers, outermost first
 * @param {Leaf | null} leaf the open leaf block
 * @returns {LineStart | null} null while further characters could change the result
 */
export function startOfLine(line, isWhole, containers, leaf) {
  return new LineReader(line, isWhole, containers, leaf).read();
}

/**
 * Return how a line begins whose start is too long to wait for more of it: its rest counts as text.
 *
 * @param {string} line
 * @param {Container[]} containers
 * @param {Leaf | null} leaf
 * @returns {LineStart}
 */
export function startOfLongLine(line, containers, leaf) {
  const reader = new LineReader(line, true, containers, leaf);
  const depth = reader.enterContainers() ?? 0;
  const kind = depth === containers.length && leaf?.kind === "fence" ? "fenced" : "text";
  return { depth, opens: [], kind, rest: reader.rest };
}

/** Reads the beginning of one line. */
class LineReader {
  /**
   * @param {string} line
   * @param {boolean} isWhole
   * @param {Container[]} containers
   * @param {Leaf | null} leaf
   */
  constructor(line, isWhole, containers, leaf) {
    this.line = line;
    this.isWhole = isWhole;
    this.containers = containers;
    this.leaf = leaf;
    this.index = 0;
    /** @type {NewContainer[]} */
    this.opens = [];
    /** Whether the line stays in all open containers. */
    this.isInside = false;
    /** @type {Container | undefined} The first container that the line does not stay in. */
    this.left = undefined;
  }

  /** The part of the line that is not read yet. */
  get rest() {
    return this.line.slice(this.index);
  }

  /** @returns {LineStart | null} */
  read() {
    const depth = this.enterContainers();
    if (depth === null) return null;
    this.isInside = depth === this.containers.length;
    this.left = this.containers[depth];
    const fence = this.isInside && this.leaf?.kind === "fence" ? this.leaf : null;
    const found = fence ? this.#readFenced(fence) : this.#readPlain();
    return found && { depth, opens: this.opens, ...found };
  }

  /**
   * Skip the marks of the containers that the line stays in.
   *
   * @returns {number | null} the number of containers; null while it is not decided
   */
  enterContainers() {
    for (const [depth, container] of this.containers.entries()) {
      if (container.kind === "list") continue;
      const blanks = blanksAt(this.line, this.index);
      const end = this.index + blanks.length;
      if (end === this.line.length && !this.isWhole) return null;
      if (container.kind === "quote") {
        if (columnsOf(blanks) > 3 || this.line[end] !== ">") return depth;
        if (!this.#skipQuoteMark(end)) return null;
      } else if (end < this.line.length) {
        if (columnsOf(blanks) < container.width) return depth;
        this.#skipColumns(container.width);
      }
    }
    return this.containers.length;
  }

  /** @returns {LeafStart | null} */
  #readPlain() {
    for (;;) {
      const blanks = blanksAt(this.line, this.index);
      this.index += blanks.length;
      const { rest } = this;
      if (!rest) return this.isWhole ? { kind: "blank", rest } : null;
      const isFirst = this.opens.length === 0;
      const below = isFirst && this.isInside && this.#readBelow(rest);
      if (below !== false) return below;
      const hasRoom = this.containers.length + 2 * this.opens.length < MAX_DEPTH;
      if (rest[0] === ">" && hasRoom) {
        if (!this.#skipQuoteMark(this.index)) return null;
        this.opens.push({ kind: "quote" });
        continue;
      }
      if (this.#mayBecome(MAYBE_RULE, rest)) return null;
      if (RULE.test(rest)) return { kind: "rule", rest: "" };
      if (this.#mayBecome(MAYBE_MARKER, rest)) return null;
      const marker = hasRoom ? MARKER.exec(rest) : null;
      if (marker && !this.isWhole && !rest.slice(marker[0].length).trim()) return null;
      if (!marker || !this.#mayInterrupt(marker, isFirst)) return this.#readLeaf(rest, columnsOf(blanks));
      if (!this.#openItem(marker, columnsOf(blanks))) return null;
    }
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
    const isHead = leaf.kind === "table" || leaf.couldBeTableHead;
    if (this.#mayBecome(MAYBE_BELOW, rest)) return null;
    if (isHead && /[|:]/.test(rest) && DELIMITERS.test(rest)) return { kind: "delimiters", rest };
    if (leaf.kind === "paragraph" && UNDERLINE.test(rest)) return { kind: "underline", rest };
    return false;
  }

  /**
   * Return whether a marker begins an item here. In the middle of a paragraph "1986." and a lone "-" are text, unless the line
   * is the next item of its list.
   *
   * @param {RegExpExecArray} marker
   * @param {boolean} isFirst whether nothing was opened before it in this line
   */
  #mayInterrupt([all, mark, number], isFirst) {
    if (!isFirst || this.leaf?.kind !== "paragraph") return true;
    if (this.left?.kind === "item" && this.left.key === keyOf(mark)) return true;
    const isEmpty = this.rest.slice(all.length).trim() === "";
    return !isEmpty && (!number || Number(number) === 1);
  }

  /**
   * Open a list item, and return whether its beginning is complete.
   *
   * @param {RegExpExecArray} marker
   * @param {number} indent columns before the marker
   */
  #openItem([all, mark, number], indent) {
    const afterMark = this.index + all.length;
    const text = afterMark + blanksAt(this.line, afterMark).length;
    const rest = this.line.slice(text);
    if (this.#mayBecome(MAYBE_TASK, rest)) return false;
    const task = TASK.exec(rest);
    this.index = text + (task ? task[0].length : 0);
    this.opens.push({
      kind: "item",
      key: keyOf(mark),
      number: number ? Number(number) : null,
      // Two columns are enough for "1." too: many models indent by two, whatever the marker.
      width: indent + 2,
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
    if (this.#mayBecome(/^(?:#{1,6}|`{1,2}|~{1,2})$/, rest)) return null;
    const heading = /^(#{1,6})(?:[ \t]+|$)/.exec(rest);
    if (heading) return { kind: "heading", level: heading[1].length, rest: rest.slice(heading[0].length) };
    const fence = /^(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(rest);
    if (fence) {
      const language = fence[2].trim().split(/[\s{,]/)[0];
      return this.isWhole ? { kind: "fence", mark: fence[1], indent, language, rest: "" } : null;
    }
    if (this.leaf?.kind === "table" && this.isInside && !this.opens.length) {
      return { kind: this.leaf.isConfirmed ? "row" : "no table", rest };
    }
    return { kind: rest[0] === "|" ? "table" : "text", rest };
  }

  /**
   * @param {Fence} fence
   * @returns {LeafStart | null}
   */
  #readFenced(fence) {
    const { rest } = this;
    const mark = /^ {0,3}(`*|~*)[ \t]*$/.exec(rest)?.[1];
    const mayClose = mark !== undefined && (mark === "" || mark[0] === fence.mark[0]);
    if (mayClose && !this.isWhole) return null;
    if (mayClose && mark.length >= fence.mark.length) return { kind: "end of fence", rest: "" };
    const indent = Math.min(fence.indent, /^ */.exec(rest)?.[0].length ?? 0);
    return { kind: "fenced", rest: rest.slice(indent) };
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

  /**
   * Skip a quote mark and the blank that belongs to it. Returns false while that blank may still come.
   *
   * @param {number} mark index of the mark
   */
  #skipQuoteMark(mark) {
    if (mark + 1 === this.line.length && !this.isWhole) return false;
    this.index = mark + (this.line[mark + 1] === " " ? 2 : 1);
    return true;
  }

  /** @param {number} width */
  #skipColumns(width) {
    for (let left = width; left > 0; this.index++) left -= columnsOf(this.line[this.index]);
  }
}

/** @param {string} mark */
function keyOf(mark) {
  return mark.slice(-1);
}

/**
 * Return the blanks that stand at an index.
 *
 * @param {string} line
 * @param {number} index
 */
function blanksAt(line, index) {
  const blanks = /[ \t]*/y;
  blanks.lastIndex = index;
  return blanks.exec(line)?.[0] ?? "";
}

/**
 * Return how many columns blanks take. A tab takes four.
 *
 * @param {string} blanks
 */
function columnsOf(blanks) {
  return blanks.replaceAll("\t", "    ").length;
}
