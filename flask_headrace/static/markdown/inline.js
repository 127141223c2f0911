/**
 * Streaming Markdown, the inside of one block: emphasis, code, links, breaks.
 *
 * An opening mark takes effect at once, so that a reader never sees it; if its closing mark never comes, the opening one
 * becomes text again. What cannot be decided yet is held back, and that is bounded, so the work is linear however the text
 * is cut. Does not know the blocks (markdown.js) nor the DOM.
 */

import { applyEmphasis } from "./emphasis.js";
import { decodeEntity } from "./link.js";
import { Links } from "./links.js";
import { matchAt } from "./match.js";
import { Spans } from "./spans.js";

/** @import { Step } from "./match.js" */
/** @import { MarkdownSink } from "./operations.js" */
/** @import { Span } from "./spans.js" */

/** A run of so many marks is text. */
const MAX_RUN_LENGTH = 64;

/** Most characters that are read at once. */
const MAX_PIECE_LENGTH = 1024;

/** Reads the text of one block, and passes its spans and its text on as operations. */
export class Inline {
  #held = "";
  #isEnded = false;

  /**
   * @param {MarkdownSink} sink receives the operations
   * @param {{isCell?: boolean}} [options] in a table's cell, `<br>` breaks the line
   */
  constructor(sink, { isCell = false } = {}) {
    this.spans = new Spans(sink);
    this.links = new Links(this.spans);
    this.isCell = isCell;
  }

  /**
   * Read the next text of the block.
   *
   * @param {string} text
   */
  feed(text) {
    // Text that is read again is put before the rest, which copies it: so there is never much of it.
    for (let index = 0; index < text.length; index += MAX_PIECE_LENGTH) this.#read(text.slice(index, index + MAX_PIECE_LENGTH));
    this.spans.flush();
  }

  /**
   * Close the block.
   *
   * @param {boolean} [isCut] whether the answer was cut off: open emphasis then stays, instead of becoming text again
   */
  end(isCut = false) {
    this.#isEnded = this.links.isEnded = true;
    while (this.#held || this.links.isReading) {
      const held = this.#held;
      this.#held = "";
      if (held) this.feed(held);
      this.links.end(isCut);
      this.#held = this.links.takeRest();
    }
    this.spans.end(isCut);
  }

  /** @param {string} piece */
  #read(piece) {
    let text = this.#held + piece;
    let index = 0;
    this.#held = "";
    while (index < text.length) {
      const length = this.#step(text, index);
      if (length === 0) {
        this.#held = text.slice(index);
        break;
      }
      index += length;
      const rest = this.links.takeRest();
      if (rest) {
        text = rest + text.slice(index);
        index = 0;
      }
    }
  }

  /** @type {Step} */
  #step(text, index) {
    if (this.links.isReading) return this.links.read(text, index);
    if (this.spans.top?.kind === "code") return this.#readCode(this.spans.top, text, index);
    switch (text[index]) {
      case "\n":
        this.spans.endLine();
        return 1;
      case " ":
      case "\t":
        this.spans.space();
        return 1;
      case "\\":
        return this.#readEscape(text, index);
      case "`":
      case "*":
      case "_":
      case "~":
        return this.#readMarks(text, index);
      case "[":
        return this.links.readOpening(text, index);
      case "!":
        return this.links.readImageOpening(text, index);
      case "]":
        return this.links.readClosing(text, index);
      case "<":
        return this.#readAngle(text, index);
      case "&":
        return this.#readEntity(text, index);
      default:
        return this.#readWords(text, index);
    }
  }

  /** @type {Step} */
  #readWords(text, index) {
    const word = matchAt(/[A-Za-z0-9]+/y, text, index);
    if (!word) return this.spans.text(matchAt(/[^\\`*_~[\]!<&\n\t A-Za-z0-9]+/y, text, index));
    return this.links.readBareStart(word, text, index) ?? this.spans.text(word);
  }

  /** @type {Step} */
  #readEscape(text, index) {
    const next = text[index + 1];
    if (next === undefined && !this.#isEnded) return 0;
    if (next === "\n") {
      this.spans.endLine(true);
      return 2;
    }
    return next && /[!-/:-@[-`{-~]/.test(next) ? this.spans.text(next) + 1 : this.spans.text("\\");
  }

  /** @type {Step} */
  #readMarks(text, index) {
    const run = matchAt(/([`*_~])\1{0,63}/y, text, index);
    if (run.length === MAX_RUN_LENGTH) return this.spans.text(run);
    const next = text[index + run.length] ?? "";
    if (!next && !this.#isEnded) return 0;
    if (run[0] !== "`") applyEmphasis(this.spans, run, next);
    else if (next && this.spans.hasRoom(1)) this.spans.push("code", run, { runLength: run.length, padding: "" });
    else this.spans.text(run);
    return run.length;
  }

  /** @type {(span: Span, text: string, index: number) => number} */
  #readCode(span, text, index) {
    const run = matchAt(/`{1,64}/y, text, index);
    if (run && index + run.length === text.length && run.length < MAX_RUN_LENGTH && !this.#isEnded) return 0;
    if (run.length === span.runLength) {
      this.spans.close();
      this.spans.lastCharacter = "`";
      return run.length;
    }
    const code = run || matchAt(/[^`]+/y, text, index);
    this.#writeCode(span, code.replaceAll("\n", " "));
    return code.length;
  }

  /**
   * Write text of a code span. One blank inside each end of a span is padding: the last one is held back, and the first one
   * belongs to the marks.
   *
   * @type {(span: Span, code: string) => void}
   */
  #writeCode(span, code) {
    const isPadded = !span.hasContent && code[0] === " " && span.literal.length === span.runLength;
    if (isPadded) span.literal += " ";
    const shown = (span.padding ?? "") + (isPadded ? code.slice(1) : code);
    span.padding = shown.endsWith(" ") ? " " : "";
    this.spans.write(shown.slice(0, shown.length - span.padding.length));
  }

  /** @type {Step} */
  #readAngle(text, index) {
    const found = matchAt(/<[A-Za-z][^\s<>]{0,300}>|<br ?\/>/iy, text, index);
    if (this.isCell && /^<br ?\/?>$/i.test(found)) {
      this.spans.breakLine();
      return found.length;
    }
    if (this.links.writeAngled(found.slice(1, -1))) return found.length;
    if (!found && this.links.mayBecome(/^<(?:[A-Za-z][^\s<>]{0,300}|br ?\/?)?$/i, 303, text, index)) return 0;
    return this.spans.text("<");
  }

  /** @type {Step} */
  #readEntity(text, index) {
    const found = matchAt(/&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,9});/iy, text, index);
    if (found) {
      this.spans.text(decodeEntity(found));
      return found.length;
    }
    return this.links.mayBecome(/^&#?[a-z0-9]{0,10}$/i, 12, text, index) ? 0 : this.spans.text("&");
  }
}
