/**
 * The inside of one block: its text, or the end of it, is read into items.
 *
 * The result depends on the text alone. While more text may come, what has an opening mark is shown as if its closing mark
 * will come, and what cannot be shown yet is held back. Knows CommonMark 6, GFM's extensions, formulas and a few HTML tags.
 * Does not know what was read and shown before (inline.js does).
 */

import { Addresses } from "./addresses.js";
import { mailboxStart, schemeLengthAtEnd } from "./bare-address.js";
import { Brackets } from "./brackets.js";
import { Ticks, codeItem } from "./code-span.js";
import { runOf } from "./emphasis.js";
import { decodeReference } from "./entities.js";
import { Formulas } from "./formula.js";
import { TEXT_TAGS, angledAt } from "./html-tag.js";
import { MAX_REACH, nodeItem, textItem } from "./inline-items.js";
import { WAIT, matchAt } from "./match.js";

/** @import { References } from "./references.js" */

/** A code span that has no end yet is shown as one for so many characters; then its mark is more likely a stray one. */
const MAX_SHOWN_CODE = 120;

const PLAIN = /[^\\`*_~[\]!<&$:@\n]+/y;
const RUN = /([*_~])\1{0,63}/y;
/** A run of so many marks is text. */
const MAX_RUN = 64;
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const REFERENCE = /&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{0,31});/iy;
const REFERENCE_SO_FAR = /&(?:#x?[0-9a-f]{0,7}|[a-z][a-z0-9]{0,31})?$/iy;

/** Reads one text. */
export class InlineParser {
  /** Up to where the text was read; what comes after it is held back. */
  end = 0;
  /** From here on the items may change when more text comes, though nothing open shows it. */
  doubt = Infinity;
  /** How many marks were read. */
  place = 0;

  /**
   * @param {string} text
   * @param {object} options
   * @param {string} options.previous the character before the text; "" at the start of the block
   * @param {boolean} options.isOpen whether more text may come
   * @param {References} options.references
   */
  constructor(text, { previous, isOpen, references }) {
    this.text = text;
    this.previous = previous;
    this.isOpen = isOpen;
    this.references = references;
    this.brackets = new Brackets(this);
    this.formulas = new Formulas(text, isOpen);
    this.ticks = new Ticks(text);
    this.addresses = new Addresses(this);
    /** Where the last word begins, which may become the address of mail. */
    this.lastWord = isOpen ? mailboxStart(text, text.length) : text.length;
  }

  /** Read the text. */
  read() {
    while (this.end < this.text.length) {
      const end = this.#step(this.end);
      if (end === WAIT) break;
      this.end = end;
    }
    this.#holdBlanks();
    return this;
  }

  /** @type {(at: number) => string} Return the character before an index; "" at the start of the block. */
  characterBefore(at) {
    if (at === 0) return this.previous;
    const isPair = /[\udc00-\udfff]/.test(this.text[at - 1]) && at > 1;
    return isPair ? this.text.slice(at - 2, at) : this.text[at - 1];
  }

  /** @type {(text: string, at: number, length?: number) => number} Add text, and return the index after it. */
  addText(text, at, length = text.length) {
    this.brackets.items.push(textItem(text, at));
    return at + length;
  }

  /** @type {(at: number) => number} */
  #step(at) {
    switch (this.text[at]) {
      case "\n":
        return this.#readLineEnd(at);
      case "\\":
        return this.#readBackslash(at);
      case "`":
        return this.#readTicks(at);
      case "*":
      case "_":
      case "~":
        return this.#readRun(at);
      case "[":
        return this.brackets.readOpening(at, "[");
      case "!":
        if (this.text[at + 1] === "[") return this.brackets.readOpening(at, "![");
        return at + 1 === this.text.length && this.isOpen ? WAIT : this.addText("!", at);
      case "]":
        return this.brackets.readClosing(at);
      case "<":
        return this.#readAngle(at);
      case "&":
        return this.#readReference(at);
      case "$":
        return this.#readFormula(at) ?? this.addText("$", at);
      case ":":
        return this.addresses.readColon(at);
      case "@":
        return this.addresses.readAt(at);
      default:
        return this.#readPlain(at);
    }
  }

  /** @type {(at: number) => number} */
  #readPlain(at) {
    let end = at + matchAt(PLAIN, this.text, at).length;
    const found = /(?:^|[^A-Za-z0-9_])www\.[^\s.]/i.exec(this.text.slice(at, end));
    if (found) {
      const start = at + found.index + found[0].length - 5;
      if (start > at) return this.addText(this.text.slice(at, start), at);
      const address = /[A-Za-z0-9_]/.test(this.characterBefore(at)) ? null : this.addresses.read(at);
      if (address !== null) return address;
    }
    if (this.isOpen && end >= this.text.length - 3) end = Math.min(end, this.#heldScheme(at));
    if (this.lastWord > at && this.lastWord < end) end = this.lastWord;
    return end > at ? this.addText(this.text.slice(at, end), at) : WAIT;
  }

  /** @type {(at: number) => number} Return where an address may begin at the end of the text; its end if none does. */
  #heldScheme(at) {
    const { length } = this.text;
    const held = schemeLengthAtEnd(this.characterBefore(at) + this.text.slice(at));
    return length - held >= at ? length - held : length;
  }

  /** @type {(at: number) => number} */
  #readLineEnd(at) {
    const end = at + matchAt(/\n[ \t]*/y, this.text, at).length;
    if (end === this.text.length && this.isOpen) return WAIT;
    const blanks = this.#trimEnd();
    if (end === this.text.length) return end;
    if (blanks.length > 1 && !blanks.includes("\t")) this.#addBreak(at);
    else this.addText("\n", at);
    return end;
  }

  /** @type {() => string} Take the blanks from the end of the text so far, and return them. */
  #trimEnd() {
    const { items } = this.brackets;
    let taken = "";
    for (let last = items.at(-1); last?.type === "text" && !last.isExact; last = items.at(-1)) {
      const kept = last.text.replace(/[ \t]+$/, "");
      taken = last.text.slice(kept.length) + taken;
      if (kept === last.text) break;
      items.pop();
      if (kept) items.push(textItem(kept, last.at));
    }
    return taken;
  }

  /** Hold back the blanks at the end, or drop them where the text ends. */
  #holdBlanks() {
    const length = this.#trimEnd().length;
    this.end -= length;
  }

  /** @param {number} at */
  #addBreak(at) {
    this.brackets.items.push(nodeItem("break", [], at));
  }

  /** @type {(at: number) => number} */
  #readBackslash(at) {
    const next = this.text[at + 1];
    if (next === undefined) return this.isOpen ? WAIT : this.addText("\\", at);
    if (next === "\n") {
      this.#addBreak(at);
      return at + 2 + matchAt(/[ \t]*/y, this.text, at + 2).length;
    }
    const formula = next === "(" || next === "[" ? this.#readFormula(at) : null;
    if (formula !== null) return formula;
    return PUNCTUATION.test(next) ? this.addText(next, at, 2) : this.addText("\\", at);
  }

  /** @type {(at: number) => number | null} */
  #readFormula(at) {
    const found = this.formulas.at(at, this.characterBefore(at));
    if (found === null || found === WAIT) return found;
    if (found === "maybe") {
      this.doubt = Math.min(this.doubt, at);
      return null;
    }
    const { display, tex, isOpen, end } = found;
    const node = nodeItem("math", tex ? [textItem(tex, at)] : [], at, { attributes: { display }, isOpen });
    this.brackets.items.push(node);
    this.place++;
    return end;
  }

  /** @type {(at: number) => number} */
  #readTicks(at) {
    const { length } = matchAt(/`{1,64}/y, this.text, at);
    if (length === MAX_RUN) return this.addText("`".repeat(length), at);
    const start = at + length;
    if (start === this.text.length && this.isOpen) return WAIT;
    const end = this.ticks.next(length, start);
    this.place++;
    if (end >= 0 && end - at <= MAX_REACH) {
      const isUnfinished = this.isOpen && end + length === this.text.length;
      this.brackets.items.push(codeItem(this.text.slice(start, end), at, isUnfinished));
      return isUnfinished ? this.text.length : end + length;
    }
    if (this.isOpen && this.text.length - at <= MAX_REACH) {
      const code = this.text.slice(start);
      const isLikely = code.length <= MAX_SHOWN_CODE && !code.includes("\n") && (length > 1 || code[0] !== " ");
      if (isLikely) {
        this.brackets.items.push(codeItem(code.replace(/ ?`*$/, ""), at, true));
        return this.text.length;
      }
      this.doubt = Math.min(this.doubt, at);
    }
    return this.addText("`".repeat(length), at);
  }

  /** @type {(at: number) => number} */
  #readRun(at) {
    const marks = matchAt(RUN, this.text, at);
    const end = at + marks.length;
    if (marks.length === MAX_RUN) return this.addText(marks, at);
    if (end === this.text.length && this.isOpen) return WAIT;
    const next = end < this.text.length ? String.fromCodePoint(/** @type {number} */ (this.text.codePointAt(end))) : "";
    this.brackets.items.push(runOf(marks, this.characterBefore(at), next, { at, place: this.place++ }));
    return end;
  }

  /** @type {(at: number) => number} */
  #readAngle(at) {
    const found = angledAt(this.text, at, this.isOpen);
    if (found === WAIT) return WAIT;
    if (found === "maybe") this.doubt = Math.min(this.doubt, at);
    if (!found || found === "maybe") return this.addText("<", at);
    const { kind, name, length } = found;
    const written = this.text.slice(at, at + length);
    this.place++;
    if (kind === "break") this.#addBreak(at);
    else if (kind === "start") this.brackets.openTag(at, TEXT_TAGS[name], written);
    else if (kind === "end") this.brackets.closeTag(at, TEXT_TAGS[name], written);
    else if (kind === "address" && this.references.safeHref(name) !== null) this.addresses.add(name, written.slice(1, -1), at);
    else this.addText(written, at);
    return at + length;
  }

  /** @type {(at: number) => number} */
  #readReference(at) {
    const found = matchAt(REFERENCE, this.text, at);
    if (found) {
      this.brackets.items.push({ ...textItem(decodeReference(found), at), isExact: true });
      return at + found.length;
    }
    return this.isOpen && matchAt(REFERENCE_SO_FAR, this.text, at) ? WAIT : this.addText("&", at);
  }
}
