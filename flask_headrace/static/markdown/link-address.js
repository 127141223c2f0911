/**
 * The address of a link while it comes, character by character: `(address "title")`, or bare in the text.
 *
 * Knows how far an address reaches. Whether it may be followed is for link.js to say.
 */

import { splitBare, unescape } from "./link.js";

const LONGEST = 2000;

/** What stands between the brackets after a link's text. */
export class LinkAddress {
  constructor() {
    this.raw = "";
    this.last = "";
    this.part = "before";
    this.depth = 0;
  }

  /** Take the next character: "more", "done" after the closing bracket, or "bad" when this is no address. */
  take(mark) {
    if (mark === "\n" || this.raw.length >= LONGEST) return "bad";
    const escaped = this.last === "\\";
    if (!escaped && this.#ends(mark)) return "done";
    const part = escaped && this.part !== "before" ? this.part : this.#after(mark);
    if (!part) return "bad";
    this.part = part;
    this.raw += mark;
    this.last = escaped ? "" : mark;
    return "more";
  }

  /** The address and its title, when it is done. */
  get value() {
    const [, angled, plain, title] = /^\s*(?:<([^<>]*)>|(\S*))(?:\s+["'](.*)["'])?\s*$/.exec(this.raw) ?? [];
    return { href: unescape(angled ?? plain ?? ""), title: unescape(title ?? "") };
  }

  #ends(mark) {
    return mark === ")" && this.depth === 0 && this.part !== "angled" && this.part !== '"' && this.part !== "'";
  }

  #after(mark) {
    const space = mark === " " || mark === "\t";
    switch (this.part) {
      case "before":
        if (space) return "before";
        if (mark === "<") return "angled";
        this.depth = mark === "(" ? 1 : 0;
        return "plain";
      case "plain":
        if (space) return this.depth ? null : "gap";
        if (mark === "(") this.depth++;
        if (mark === ")") this.depth--;
        return mark === "<" || this.depth > 32 ? null : "plain";
      case "angled":
        if (mark === ">") return "gap";
        return mark === "<" ? null : "angled";
      case "gap":
        if (space) return "gap";
        return (mark === '"' || mark === "'") && /\s/.test(this.last) ? mark : null;
      case "titled":
        return space ? "titled" : null;
      default:
        return mark === this.part ? "titled" : this.part;
    }
  }
}

/** An address that stands in the text without brackets. The marks at its end may belong to the sentence. */
export class BareAddress {
  constructor(scheme) {
    this.raw = scheme;
    this.marks = "";
  }

  /** Read on from `at`: `{length, text}`, where length 0 means that it has ended and `text` can be shown. */
  read(rest, at) {
    const marks = match(/[?!.,:;*_~'")\]]+/y, rest, at);
    this.marks += marks;
    if (marks) return { length: marks.length, text: "" };
    const room = Math.max(0, LONGEST - this.raw.length - this.marks.length);
    const found = match(/[^?!.,:;*_~'")\]\s<>`\\\u3000-\u303f\uff00-\uffef]+/y, rest, at).slice(0, room);
    const text = found && this.marks + found;
    this.raw += text;
    if (found) this.marks = "";
    return { length: found.length, text };
  }

  /** Its end is known: the address, the part of it that was not shown yet, and what belongs to the sentence. */
  finish() {
    const [address, after] = splitBare(this.raw + this.marks);
    const href = /^www\./i.test(address) ? `https://${address}` : address;
    return { href, text: address.slice(this.raw.length), after };
  }
}

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}
