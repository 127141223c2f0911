/**
 * The links inside one block: `[text](address)`, images, `<address>`, and addresses that stand in the text.
 *
 * Reads the characters of a link, and opens and closes its span. Which addresses may be followed is decided by link.js.
 */

import { BareAddress, LinkAddress } from "./link-address.js";
import { hostOf, safeHref } from "./link.js";
import { matchAt } from "./match.js";

/** @import { Step } from "./match.js" */
/** @import { Spans } from "./spans.js" */

/** Reads the links in the text of one block. */
export class Links {
  /** Whether the block's text has ended, so that no more is to be waited for. */
  isEnded = false;
  /** @type {LinkAddress | null} The address after a link's text, while it is read. */
  #address = null;
  /** @type {BareAddress | null} The address in the text, while it is read. */
  #bare = null;
  /** Text that was read as part of an address, and is to be read again as text. */
  #rest = "";

  /** @param {Spans} spans the block's open spans */
  constructor(spans) {
    this.spans = spans;
  }

  /** Whether an address is being read. */
  get isReading() {
    return this.#address !== null || this.#bare !== null;
  }

  /** Return the text that is to be read again, and forget it. */
  takeRest() {
    const rest = this.#rest;
    this.#rest = "";
    return rest;
  }

  /** @type {Step} Read on in the address. */
  read(text, index) {
    if (this.#address) return this.#readAddress(this.#address, text[index]);
    if (this.#bare) return this.#readBare(this.#bare, text, index);
    return 0;
  }

  /**
   * End the address that is being read, if any, because the block ends.
   *
   * @param {boolean} isCut whether the answer was cut off
   */
  end(isCut) {
    if (this.#bare) this.#endBare(this.#bare);
    if (this.#address) this.#rejectAddress(this.#address, "", isCut);
  }

  /** @type {Step} Read a `[`. */
  readOpening(text, index) {
    // A citation, [12] or [^1], is held back until it is known to be no link: its bracket would come late otherwise.
    const citation = matchAt(/\[\^?\d{0,3}\]?/y, text, index);
    const next = text[index + citation.length];
    if (next === undefined && !this.isEnded) return 0;
    if (/\d\]$/.test(citation) && next !== "(") return this.spans.text(citation);
    return this.#open("[");
  }

  /** @type {Step} Read a `!`. */
  readImageOpening(text, index) {
    if (index + 1 === text.length && !this.isEnded) return 0;
    return text[index + 1] === "[" ? this.#open("![") : this.spans.text("!");
  }

  /** @type {Step} Read a `]`. */
  readClosing(text, index) {
    const span = this.spans.open.findLast(({ kind }) => kind === "link");
    if (!span) return this.spans.text("]");
    const next = text[index + 1];
    if (next === undefined && !this.isEnded) return 0;
    this.spans.revertTo(span);
    if (next === "(" && !span.isInactive && !this.isEnded) {
      this.#address = new LinkAddress();
      return 2;
    }
    this.spans.unwrap(span.literal);
    return this.spans.text("]");
  }

  /**
   * Open a link if an address begins at a word of the text.
   *
   * @type {(word: string, text: string, index: number) => number | null}
   * @returns how many characters were read; 0 when more must be seen first; null where no address begins
   */
  readBareStart(word, text, index) {
    const { spans } = this;
    const isCandidate = /^(?:ht{0,2}|https?|w{1,3})$/i.test(word) && !/\w/.test(spans.previousCharacter) && !spans.isInLink;
    if (!isCandidate || !spans.hasRoom(1)) return null;
    const scheme = matchAt(/(?:https?:\/\/|www\.)(?=[A-Za-z0-9\u00a1-\u1fff\u3040-\ud7ff])/iy, text, index);
    if (!scheme) return this.mayBecome(/^(?:ht{0,2}|https?:?\/{0,2}|w{1,3}\.?)$/i, 9, text, index) ? 0 : null;
    spans.push("link", "");
    spans.write(scheme);
    this.#bare = new BareAddress(scheme);
    return scheme.length;
  }

  /**
   * Write the link that stands between angle brackets.
   *
   * @param {string} inner what stands between them
   * @returns {boolean} false where it is no address, or no link may stand here; then nothing is written
   */
  writeAngled(inner) {
    const address = /^[^\s:/]+@[\w-]+(?:\.[\w-]+)+$/.test(inner) ? `mailto:${inner}` : inner;
    if (!safeHref(address) || !this.spans.hasRoom(1) || this.spans.isInLink) return false;
    this.spans.push("link", "");
    this.spans.write(inner);
    this.#closeAddressLink(address);
    this.spans.lastCharacter = ">";
    return true;
  }

  /**
   * Return whether the text from an index to its end may still become what a pattern describes, once more of it comes.
   *
   * @type {(pattern: RegExp, maxLength: number, text: string, index: number) => boolean}
   */
  mayBecome(pattern, maxLength, text, index) {
    return !this.isEnded && text.length - index < maxLength && pattern.test(text.slice(index));
  }

  /** @param {string} literal */
  #open(literal) {
    // Two places are left, so that a link's text can still be emphasized.
    if (!this.spans.hasRoom(3) || this.isEnded) return this.spans.text(literal);
    this.spans.push("link", literal);
    return literal.length;
  }

  /** @type {(address: LinkAddress, character: string) => number} */
  #readAddress(address, character) {
    const state = address.read(character);
    if (state === "complete") this.#acceptAddress(address);
    if (state === "invalid") this.#rejectAddress(address, character);
    return 1;
  }

  /** @param {LinkAddress} address */
  #acceptAddress({ value: { href: written, title } }) {
    this.#address = null;
    const { literal = "", hasContent = false } = this.spans.top ?? {};
    const isImage = literal === "![";
    const href = safeHref(written);
    if (isImage && !hasContent) this.spans.write(href ?? "image");
    // Of an image inside a link, the link counts: the reader wants to go where it leads.
    const isInsideLink = this.spans.open.slice(0, -1).some(({ kind, isInactive }) => kind === "link" && !isInactive);
    if (href && !(isImage && isInsideLink)) this.spans.closeLink(href, title);
    else this.spans.unwrap("");
    this.spans.lastCharacter = ")";
  }

  /** @type {(address: LinkAddress, character: string, isCut?: boolean) => void} */
  #rejectAddress({ raw }, character, isCut = false) {
    this.#address = null;
    this.spans.unwrap(isCut ? "" : (this.spans.top?.literal ?? ""));
    if (isCut) return;
    this.spans.text("](");
    this.#rest = raw + character;
  }

  /** @type {(bare: BareAddress, text: string, index: number) => number} */
  #readBare(bare, text, index) {
    const { length, shown } = bare.read(text, index);
    if (shown) this.spans.write(shown);
    if (length) return length;
    this.#endBare(bare);
    // The character that ends the address is read once more, as text.
    this.#rest += text[index];
    return 1;
  }

  /** @param {BareAddress} bare */
  #endBare(bare) {
    const { href, shown, rest } = bare.end();
    this.#bare = null;
    this.spans.write(shown);
    this.#closeAddressLink(href);
    this.spans.lastCharacter = "/";
    this.#rest = rest;
  }

  /**
   * Close a link whose text is its address. Where the address is written otherwise than it leads, show its host as well.
   *
   * @param {string} address
   */
  #closeAddressLink(address) {
    const href = safeHref(address);
    if (!href) return this.spans.unwrap("");
    if (hostOf(href) !== hostOf(address)) this.spans.write(` (${hostOf(href)})`);
    this.spans.closeLink(href);
  }
}
