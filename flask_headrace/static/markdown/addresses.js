/**
 * The addresses in the text of one block, as links.
 *
 * An address is found by the mark in it, a colon or an `@`: what stands before that is taken from the text again.
 */

import { bareAddressAt, mailAddressAt, mailboxStart, mayGoOn } from "./bare-address.js";
import { nodeItem, textItem } from "./inline-items.js";
import { hostOf } from "./link.js";
import { WAIT } from "./match.js";

/** @import { Brackets, Source } from "./brackets.js" */
/** @import { Text, TreeNode } from "./inline-items.js" */

/** Most characters of an address whose host is not complete. */
const MAX_HOST_LENGTH = 300;

/** Reads the addresses of one text. */
export class Addresses {
  /** @param {Source & {brackets: Brackets, doubt: number}} source */
  constructor(source) {
    this.source = source;
  }

  /** @type {(at: number) => number} Read a colon, which may belong to an address. */
  readColon(at) {
    const scheme = /(?:^|[^A-Za-z0-9_<])(https?|ftp)$/i.exec(this.source.characterBefore(Math.max(0, at - 5)) + this.source.text.slice(Math.max(0, at - 5), at));
    if (!scheme || scheme[1].length > at) return this.source.addText(":", at);
    const start = at - scheme[1].length;
    const { items } = this.source.brackets;
    const last = items.at(-1);
    if (last?.type !== "text" || last.at > start || last.at + last.text.length !== at) return this.source.addText(":", at);
    if (!this.#find(start)) return this.source.addText(":", at);
    items.pop();
    if (start > last.at) items.push(textItem(last.text.slice(0, start - last.at), last.at));
    return this.read(start) ?? this.source.addText(":", at);
  }

  /** @type {(at: number) => number | null} Read the address that begins at an index; null where none does. */
  read(at) {
    const found = this.#find(at);
    if (!found) return null;
    const isOpen = this.source.isOpen && mayGoOn(this.source.text, found.end);
    const address = /^www\./i.test(found.shown) ? `http://${found.shown}` : found.shown;
    this.add(address, found.shown, at, { isBare: true, isOpen });
    return isOpen ? WAIT : found.end;
  }

  /** @type {(at: number) => number} Read an `@`, which may belong to an address of mail. */
  readAt(at) {
    const found = mailAddressAt(this.source.text, at, this.source.isOpen);
    if (found === WAIT) {
      this.source.doubt = Math.min(this.source.doubt, mailboxStart(this.source.text, at));
      return WAIT;
    }
    const { items } = this.source.brackets;
    const first = found ? items.findLastIndex((item) => item.at <= found.start) : -1;
    if (!found || first < 0 || items.slice(first).some(({ type }) => type === "node")) return this.source.addText("@", at);
    const start = /** @type {Text} */ (items[first]);
    const kept = start.type === "text" ? start.text.slice(0, found.start - start.at) : "";
    items.length = first;
    if (kept) items.push(textItem(kept, start.at));
    const shown = this.source.text.slice(found.start, found.end);
    const address = /^(?:mailto|xmpp):/i.test(shown) ? shown : `mailto:${shown}`;
    this.add(address, shown, found.start, { isBare: true });
    return found.end;
  }

  /**
   * Add a link whose text is its address. Where the address is written otherwise than it leads, show its host as well.
   *
   * @type {(address: string, shown: string, at: number, more?: Partial<TreeNode>) => void}
   */
  add(address, shown, at, more = {}) {
    const href = this.source.references.safeHref(address);
    if (href === null && !more.isOpen) return void this.source.addText(shown, at);
    const host = href !== null && !more.isOpen && hostOf(href) !== hostOf(address) ? ` (${hostOf(href)})` : "";
    const late = href === null ? undefined : { href, title: "" };
    this.source.brackets.items.push(nodeItem("link", [textItem(shown + host, at)], at, { late, literal: "", ...more }));
  }

  /** @type {(at: number) => ReturnType<typeof bareAddressAt>} Find an address; if more text may make one, that is in doubt. */
  #find(at) {
    const { text, isOpen, brackets } = this.source;
    const found = bareAddressAt(text, at, brackets.isInside);
    if (!found && isOpen && text.length - at < MAX_HOST_LENGTH) this.source.doubt = Math.min(this.source.doubt, at);
    return found;
  }
}
