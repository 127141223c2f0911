/**
 * How a line of Markdown begins: which boxes it stays in, which it opens, and what its text is.
 *
 * Knows the first characters of one line, and what was open before it. Changes nothing. It answers null as long as the
 * characters could still become something else, so the same line gives the same answer however it is cut.
 */

/** Boxes (quotes, lists, items) inside each other, at most. */
const DEPTH = 24;

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
 * Read the beginning of a line, `whole` when its end was reached.
 * `{depth, opens, kind, rest, …}`: boxes that stay, boxes to open, what the text is, the text itself; or null.
 */
export function startOfLine(line, whole, boxes, leaf) {
  return new LineStart(line, whole, boxes, leaf).read();
}

/** As `startOfLine`, for a beginning so long that no more is waited for: it is text. */
export function startOfLongLine(line, boxes, leaf) {
  const start = new LineStart(line, true, boxes, leaf);
  const depth = start.enter();
  const kind = depth === boxes.length && leaf?.kind === "fence" ? "fenced" : "text";
  return { depth, opens: [], kind, rest: start.rest };
}

class LineStart {
  constructor(line, whole, boxes, leaf) {
    Object.assign(this, { line, whole, boxes, leaf, at: 0, opens: [] });
  }

  get rest() {
    return this.line.slice(this.at);
  }

  read() {
    const depth = this.enter();
    if (depth === null) return null;
    this.inside = depth === this.boxes.length;
    this.item = this.boxes[depth]?.kind === "item" ? this.boxes[depth] : null;
    const found = this.inside && this.leaf?.kind === "fence" ? this.#fenced() : this.#plain();
    return found && { depth, opens: this.opens, ...found };
  }

  /** Go into the boxes that this line belongs to, and return how many; null when that cannot be told yet. */
  enter() {
    for (const [depth, box] of this.boxes.entries()) {
      if (box.kind === "list") continue;
      const blanks = blanksAt(this.line, this.at);
      const end = this.at + blanks.length;
      if (end === this.line.length && !this.whole) return null;
      if (box.kind === "quote") {
        if (columns(blanks) > 3 || this.line[end] !== ">") return depth;
        if (!this.#pass(end)) return null;
      } else if (end < this.line.length) {
        if (columns(blanks) < box.width) return depth;
        this.#indent(box.width);
      }
    }
    return this.boxes.length;
  }

  #plain() {
    for (;;) {
      const blanks = blanksAt(this.line, this.at);
      this.at += blanks.length;
      const { rest } = this;
      if (!rest) return this.whole ? { kind: "blank", rest } : null;
      const first = this.opens.length === 0;
      const below = first && this.inside && this.#below(rest);
      if (below !== false) return below;
      const room = this.boxes.length + 2 * this.opens.length < DEPTH;
      if (rest[0] === ">" && room) {
        if (!this.#pass(this.at)) return null;
        this.opens.push({ kind: "quote" });
        continue;
      }
      if (this.#awaits(MAYBE_RULE, rest)) return null;
      if (RULE.test(rest)) return { kind: "rule", rest: "" };
      if (this.#awaits(MAYBE_MARKER, rest)) return null;
      const marker = room && MARKER.exec(rest);
      if (marker && !this.whole && !rest.slice(marker[0].length).trim()) return null;
      if (!marker || !this.#mayInterrupt(marker, first)) return this.#leafOf(rest, columns(blanks));
      if (!this.#item(marker, columns(blanks))) return null;
    }
  }

  /** A line below a paragraph or a table's head may say what that was: false when it does not. */
  #below(rest) {
    const { leaf } = this;
    if (leaf?.kind !== "paragraph" && leaf?.kind !== "table") return false;
    const heads = leaf.kind === "table" ? !leaf.confirmed : leaf.couldHead;
    if (leaf.kind === "table" && leaf.confirmed) return false;
    if (this.#awaits(MAYBE_BELOW, rest)) return null;
    if (heads && /[|:]/.test(rest) && DELIMITERS.test(rest)) return { kind: "delimiters", rest };
    if (leaf.kind === "paragraph" && UNDERLINE.test(rest)) return { kind: "underline", rest };
    return false;
  }

  /** In the middle of a paragraph "1986." or a lone "-" is text, unless the line is the next item of its list. */
  #mayInterrupt([all, mark, number], first) {
    if (!first || this.leaf?.kind !== "paragraph") return true;
    if (this.item && this.item.key === keyOf(mark)) return true;
    const empty = this.rest.slice(all.length).trim() === "";
    return !empty && (!number || Number(number) === 1);
  }

  #item([all, mark, number], indent) {
    const after = this.at + all.length;
    const text = after + blanksAt(this.line, after).length;
    const rest = this.line.slice(text);
    if (this.#awaits(MAYBE_TASK, rest)) return false;
    const task = TASK.exec(rest);
    this.at = text + (task ? task[0].length : 0);
    // Two columns are enough to belong to "1." too: many models indent by two whatever the marker.
    this.opens.push({
      kind: "item",
      key: keyOf(mark),
      number: number ? Number(number) : null,
      width: indent + 2,
      task: task ? task[1] !== " " : null,
    });
    return true;
  }

  #leafOf(rest, indent) {
    if (this.#awaits(/^(?:#{1,6}|`{1,2}|~{1,2})$/, rest)) return null;
    const heading = /^(#{1,6})(?:[ \t]+|$)/.exec(rest);
    if (heading) return { kind: "heading", level: heading[1].length, rest: rest.slice(heading[0].length) };
    const fence = /^(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(rest);
    if (fence) {
      const language = fence[2].trim().split(/[\s{,]/)[0];
      return this.whole ? { kind: "fence", mark: fence[1], indent, language, rest: "" } : null;
    }
    if (this.leaf?.kind === "table" && this.inside && !this.opens.length) {
      return { kind: this.leaf.confirmed ? "row" : "no table", rest };
    }
    return { kind: rest[0] === "|" ? "table" : "text", rest };
  }

  #fenced() {
    const { rest, leaf } = this;
    const [, mark] = /^ {0,3}(`*|~*)[ \t]*$/.exec(rest) ?? [];
    const closes = mark !== undefined && (mark === "" || mark[0] === leaf.mark[0]);
    if (closes && !this.whole) return null;
    if (closes && mark.length >= leaf.mark.length) return { kind: "end of fence", rest: "" };
    const indent = Math.min(leaf.indent, /^ */.exec(rest)[0].length);
    return { kind: "fenced", rest: rest.slice(indent) };
  }

  #awaits(pattern, rest) {
    return !this.whole && pattern.test(rest);
  }

  /** Go past the quote mark at `end`, and the blank that belongs to it. */
  #pass(end) {
    if (end + 1 === this.line.length && !this.whole) return false;
    this.at = end + (this.line[end + 1] === " " ? 2 : 1);
    return true;
  }

  #indent(width) {
    for (let left = width; left > 0; this.at++) left -= columns(this.line[this.at]);
  }
}

function keyOf(mark) {
  return mark.at(-1);
}

function blanksAt(line, at) {
  const blanks = /[ \t]*/y;
  blanks.lastIndex = at;
  return blanks.exec(line)[0];
}

function columns(blanks) {
  return blanks.replaceAll("\t", "    ").length;
}
