/**
 * The address of a link while it comes, character by character: `(address "title")`, or bare in the text.
 *
 * Knows how far an address reaches. Whether it may be followed is decided by link.js.
 */

import { splitBareAddress, unescape } from "./link.js";
import { matchAt } from "./match.js";

/** Most characters of an address. */
const MAX_LENGTH = 2000;

/**
 * What the next character of `(address "title")` belongs to. A quote mark stands for a title that it opened.
 *
 * @typedef {"before" | "plain" | "angled" | "gap" | '"' | "'" | "after title"} Part
 */

/** What stands between the brackets after a link's text. */
export class LinkAddress {
  /** The text so far, without the brackets around it. */
  raw = "";
  #last = "";
  /** @type {Part} */
  #part = "before";
  #depth = 0;

  /**
   * Read the next character.
   *
   * @param {string} character
   * @returns {"incomplete" | "complete" | "invalid"} "complete" after the closing bracket, "invalid" when this is no address
   */
  read(character) {
    if (character === "\n" || this.raw.length >= MAX_LENGTH) return "invalid";
    const isEscaped = this.#last === "\\";
    if (!isEscaped && this.#isEnd(character)) return "complete";
    const part = isEscaped && this.#part !== "before" ? this.#part : this.#partAfter(character);
    if (!part) return "invalid";
    this.#part = part;
    this.raw += character;
    this.#last = isEscaped ? "" : character;
    return "incomplete";
  }

  /** The address and its title, when they are complete. */
  get value() {
    const [, angled, plain, title] = /^\s*(?:<([^<>]*)>|(\S*))(?:\s+["'](.*)["'])?\s*$/.exec(this.raw) ?? [];
    return { href: unescape(angled ?? plain ?? ""), title: unescape(title ?? "") };
  }

  /** @param {string} character */
  #isEnd(character) {
    const part = this.#part;
    return character === ")" && this.#depth === 0 && part !== "angled" && part !== '"' && part !== "'";
  }

  /**
   * Return the part that a character belongs to; null where no address has it in this place.
   *
   * @param {string} character
   * @returns {Part | null}
   */
  #partAfter(character) {
    const isSpace = character === " " || character === "\t";
    switch (this.#part) {
      case "before":
        if (isSpace) return "before";
        if (character === "<") return "angled";
        this.#depth = character === "(" ? 1 : 0;
        return "plain";
      case "plain":
        if (isSpace) return this.#depth ? null : "gap";
        if (character === "(") this.#depth++;
        if (character === ")") this.#depth--;
        return character === "<" || this.#depth > 32 ? null : "plain";
      case "angled":
        if (character === ">") return "gap";
        return character === "<" ? null : "angled";
      case "gap":
        if (isSpace) return "gap";
        return (character === '"' || character === "'") && /\s/.test(this.#last) ? character : null;
      case "after title":
        return isSpace ? "after title" : null;
      default:
        return character === this.#part ? "after title" : this.#part;
    }
  }
}

/** An address that stands in the text without brackets. The marks at its end may belong to the sentence. */
export class BareAddress {
  #marks = "";

  /** @param {string} scheme how the address begins, such as "https://" or "www." */
  constructor(scheme) {
    this.raw = scheme;
  }

  /**
   * Read on in a text.
   *
   * @param {string} text
   * @param {number} index
   * @returns {{length: number, shown: string}} how many characters belong to the address, 0 where it has ended; and the part
   *   of it that can be shown now
   */
  read(text, index) {
    const marks = matchAt(/[?!.,:;*_~'")\]]+/y, text, index);
    this.#marks += marks;
    if (marks) return { length: marks.length, shown: "" };
    const room = Math.max(0, MAX_LENGTH - this.raw.length - this.#marks.length);
    const found = matchAt(/[^?!.,:;*_~'")\]\s<>`\\\u3000-\u303f\uff00-\uffef]+/y, text, index).slice(0, room);
    const shown = found && this.#marks + found;
    this.raw += shown;
    if (found) this.#marks = "";
    return { length: found.length, shown };
  }

  /**
   * End the address.
   *
   * @returns {{href: string, shown: string, rest: string}} the address, the part of it that was not shown yet, and the marks
   *   that belong to the sentence
   */
  end() {
    const [address, rest] = splitBareAddress(this.raw + this.#marks);
    const href = /^www\./i.test(address) ? `https://${address}` : address;
    return { href, shown: address.slice(this.raw.length), rest };
  }
}
