/**
 * Streaming Markdown, the inside of one block: emphasis, code, links, breaks.
 *
 * Knows one block's text, as it comes. Knows no blocks (markdown.js) and no DOM. An opener is believed at once, so that a
 * reader never sees its marks; if its closer never comes, the marks are given back. Whatever cannot be told yet is kept
 * back in `held`, which is bounded, so the work is linear however the text is cut.
 */

import { BareAddress, LinkAddress } from "./address.js";
import { emphasize } from "./emphasis.js";
import { decodeEntity, hostOf, safeHref } from "./link.js";
import { Spans } from "./spans.js";

const LONGEST_RUN = 64;

/** Characters that are read at one go, at most. */
const LONGEST_PIECE = 1024;

export class Inline {
  /** `sink` takes the operations that markdown.js lists. In a table's `cell`, `<br>` breaks the line. */
  constructor(sink, { cell = false } = {}) {
    this.spans = new Spans(sink);
    this.cell = cell;
    this.held = "";
    this.again = "";
    this.address = null;
    this.bare = null;
    this.ended = false;
  }

  feed(text) {
    // What is read again is put before the rest, which would be copied each time: there is never much of it.
    for (let at = 0; at < text.length; at += LONGEST_PIECE) this.#read(text.slice(at, at + LONGEST_PIECE));
    this.spans.flush();
  }

  #read(text) {
    let rest = this.held + text;
    let at = 0;
    this.held = "";
    while (at < rest.length) {
      const step = this.#step(rest, at);
      if (step === 0) {
        this.held = rest.slice(at);
        break;
      }
      at += step;
      if (this.again) {
        rest = this.again + rest.slice(at);
        at = 0;
        this.again = "";
      }
    }
  }

  /** Close the block. Openers without a closer become text again, or stay believed when the answer was `cut` off. */
  end(cut = false) {
    this.ended = true;
    while (this.held || this.bare || this.address) {
      const held = this.held;
      this.held = "";
      if (held) this.feed(held);
      if (this.bare) this.#endBare();
      if (this.address) this.#rejectAddress("", cut);
      this.held = this.again;
      this.again = "";
    }
    this.spans.end(cut);
  }

  /** Consume from `at` and return how many characters; 0 when the next ones must be seen first. */
  #step(rest, at) {
    if (this.address) return this.#addressed(rest[at]);
    if (this.bare) return this.#barely(rest, at);
    if (this.spans.top?.kind === "code") return this.#code(rest, at);
    const mark = rest[at];
    switch (mark) {
      case "\n":
        this.spans.endLine();
        return 1;
      case " ":
      case "\t":
        this.spans.space();
        return 1;
      case "\\":
        return this.#escape(rest, at);
      case "`":
      case "*":
      case "_":
      case "~":
        return this.#marks(rest, at);
      case "[":
        return this.#openBracket(rest, at);
      case "!":
        return this.#bang(rest, at);
      case "]":
        return this.#closeBracket(rest, at);
      case "<":
        return this.#angle(rest, at);
      case "&":
        return this.#entity(rest, at);
      default:
        return this.#words(rest, at);
    }
  }

  #words(rest, at) {
    const word = match(/[A-Za-z0-9]+/y, rest, at);
    if (!word) return this.spans.text(match(/[^\\`*_~[\]!<&\n\t A-Za-z0-9]+/y, rest, at));
    const mayBe = /^(?:ht{0,2}|https?|w{1,3})$/i.test(word) && !/\w/.test(this.spans.before) && !this.spans.inLink;
    if (mayBe && this.spans.has(1)) {
      const scheme = match(/(?:https?:\/\/|www\.)(?=[A-Za-z0-9\u00a1-\u1fff\u3040-\ud7ff])/iy, rest, at);
      if (scheme) return this.#openBare(scheme);
      if (this.#waits(rest, at, /^(?:ht{0,2}|https?:?\/{0,2}|w{1,3}\.?)$/i, 9)) return 0;
    }
    return this.spans.text(word);
  }

  #escape(rest, at) {
    const next = rest[at + 1];
    if (next === undefined && !this.ended) return 0;
    if (next === "\n") {
      this.spans.endLine(true);
      return 2;
    }
    return next && /[!-/:-@[-`{-~]/.test(next) ? this.spans.text(next) + 1 : this.spans.text("\\");
  }

  #marks(rest, at) {
    const run = match(/([`*_~])\1{0,63}/y, rest, at);
    if (run.length === LONGEST_RUN) return this.spans.text(run);
    const next = rest[at + run.length] ?? "";
    if (!next && !this.ended) return 0;
    if (run[0] !== "`") emphasize(this.spans, run, next);
    else if (next && this.spans.has(1)) this.spans.push("code", run, { marks: run.length, padding: "" });
    else this.spans.text(run);
    return run.length;
  }

  #code(rest, at) {
    const span = this.spans.top;
    const run = match(/`{1,64}/y, rest, at);
    if (run && at + run.length === rest.length && run.length < LONGEST_RUN && !this.ended) return 0;
    if (run.length === span.marks) {
      this.spans.close();
      this.spans.last = "`";
      return run.length;
    }
    const text = run || match(/[^`]+/y, rest, at);
    this.#codeText(span, text.replaceAll("\n", " "));
    return text.length;
  }

  // One blank inside each end of a code span is padding: the last one is kept back, the first belongs to the marks.
  #codeText(span, text) {
    const first = !span.filled && text[0] === " " && span.literal.length === span.marks;
    if (first) span.literal += " ";
    const shown = span.padding + (first ? text.slice(1) : text);
    span.padding = shown.endsWith(" ") ? " " : "";
    this.spans.raw(shown.slice(0, shown.length - span.padding.length));
  }

  #openBracket(rest, at) {
    // A citation, [12] or [^1], is held until it is known not to be a link: its bracket would come late otherwise.
    const citation = match(/\[\^?\d{0,3}\]?/y, rest, at);
    const next = rest[at + citation.length];
    if (next === undefined && !this.ended) return 0;
    if (/\d\]$/.test(citation) && next !== "(") return this.spans.text(citation);
    return this.#openLink("[");
  }

  #bang(rest, at) {
    if (at + 1 === rest.length && !this.ended) return 0;
    return rest[at + 1] === "[" ? this.#openLink("![") : this.spans.text("!");
  }

  #openLink(literal) {
    // Two places are left, so that a link's text can still be emphasized.
    if (!this.spans.has(3) || this.ended) return this.spans.text(literal);
    this.spans.push("link", literal);
    return literal.length;
  }

  #closeBracket(rest, at) {
    const span = this.spans.open.findLast(({ kind }) => kind === "link");
    if (!span) return this.spans.text("]");
    const next = rest[at + 1];
    if (next === undefined && !this.ended) return 0;
    this.spans.revertTo(span);
    if (next === "(" && !span.dead && !this.ended) {
      this.address = new LinkAddress();
      return 2;
    }
    this.spans.unwrap(span.literal);
    return this.spans.text("]");
  }

  #addressed(mark) {
    const state = this.address.take(mark);
    if (state === "done") this.#acceptAddress();
    if (state === "bad") this.#rejectAddress(mark);
    return 1;
  }

  #acceptAddress() {
    const { href: address, title } = this.address.value;
    this.address = null;
    const { literal, filled } = this.spans.top;
    const image = literal === "![";
    const href = safeHref(address);
    if (image && !filled) this.spans.raw(href ?? "image");
    // The picture of a linked picture gives way: the reader wants where it leads.
    const around = this.spans.open.slice(0, -1).some(({ kind, dead }) => kind === "link" && !dead);
    if (href && !(image && around)) this.spans.link(href, title);
    else this.spans.unwrap("");
    this.spans.last = ")";
  }

  #rejectAddress(mark, cut = false) {
    const { raw } = this.address;
    this.address = null;
    this.spans.unwrap(cut ? "" : this.spans.top.literal);
    if (cut) return;
    this.spans.text("](");
    this.again = raw + mark;
  }

  #openBare(scheme) {
    this.spans.push("link", "");
    this.spans.raw(scheme);
    this.bare = new BareAddress(scheme);
    return scheme.length;
  }

  #barely(rest, at) {
    const { length, text } = this.bare.read(rest, at);
    if (text) this.spans.raw(text);
    if (length) return length;
    this.#endBare();
    // What ends the address is read once more, as text.
    this.again += rest[at];
    return 1;
  }

  #endBare() {
    const { href, text, after } = this.bare.finish();
    this.bare = null;
    this.spans.raw(text);
    this.#linkAddress(href);
    this.spans.last = "/";
    this.again = after;
  }

  /** Close a link whose text is its address. Where that reads otherwise than it leads, its host is shown beside it. */
  #linkAddress(address) {
    const href = safeHref(address);
    if (!href) return this.spans.unwrap("");
    if (hostOf(href) !== hostOf(address)) this.spans.raw(` (${hostOf(href)})`);
    this.spans.link(href);
  }

  #angle(rest, at) {
    const found = match(/<[A-Za-z][^\s<>]{0,300}>|<br ?\/>/iy, rest, at);
    if (this.cell && /^<br ?\/?>$/i.test(found)) {
      this.spans.break();
      return found.length;
    }
    const inner = found.slice(1, -1);
    const address = /^[^\s:/]+@[\w-]+(?:\.[\w-]+)+$/.test(inner) ? `mailto:${inner}` : inner;
    if (safeHref(address) && this.spans.has(1) && !this.spans.inLink) {
      this.spans.push("link", "");
      this.spans.raw(inner);
      this.#linkAddress(address);
      this.spans.last = ">";
      return found.length;
    }
    if (!found && this.#waits(rest, at, /^<(?:[A-Za-z][^\s<>]{0,300}|br ?\/?)?$/i, 303)) return 0;
    return this.spans.text("<");
  }

  #entity(rest, at) {
    const found = match(/&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,9});/iy, rest, at);
    if (found) {
      this.spans.text(decodeEntity(found));
      return found.length;
    }
    return this.#waits(rest, at, /^&#?[a-z0-9]{0,10}$/i, 12) ? 0 : this.spans.text("&");
  }

  /** May what is left, all of it, still become what `prefix` describes? */
  #waits(rest, at, prefix, length) {
    return !this.ended && rest.length - at < length && prefix.test(rest.slice(at));
  }
}

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}
