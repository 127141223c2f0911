/**
 * What stands between brackets, or between the tags of TEXT_TAGS: links, pictures, and raised, lowered and key text.
 *
 * Keeps a list of items for each opening mark that has no closing one yet. A run of marks between brackets makes no emphasis
 * with one outside, unless the brackets turn out to be text.
 */

import { asText, emphasize } from "./emphasis.js";
import { isNear, nodeItem, textItem } from "./inline-items.js";
import { labelAt, labelOf, targetAt } from "./link-target.js";
import { WAIT } from "./match.js";

/** @import { Item, TreeNode } from "./inline-items.js" */
/** @import { References } from "./references.js" */

/**
 * The text that a Brackets reads, as the parser has it.
 *
 * @typedef {{text: string, isOpen: boolean, place: number, references: References, characterBefore: (at: number) => string,
 *   addText: (text: string, at: number, length?: number) => number}} Source
 *
 * An opening mark and the items after it. `tag` is the kind of node that a tag makes, null for a bracket. `isActive` is whether
 * it may become a link: links hold no links. `closedAt` is where its closing bracket stands; -1
 * before that.
 * @typedef {{mark: string, tag: "sub" | "sup" | "kbd" | null, at: number, place: number, isActive: boolean, closedAt: number,
 *   items: Item[]}} Frame
 */

/** Most opening marks that wait for their closing ones; the first ones become text. */
const MAX_FRAMES = 32;

/** The label of a citation, which keeps its brackets: [12] or [^1]. */
const CITATION = /^\^?\d{1,4}$/;

/** Reads the brackets of one text. */
export class Brackets {
  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    /** @type {Frame[]} What is open, outermost first. The first one is the text itself. */
    this.frames = [{ mark: "", tag: null, at: 0, place: 0, isActive: false, closedAt: -1, items: [] }];
  }

  /** The items of the innermost frame. */
  get items() {
    return this.#top.items;
  }

  /** Whether a bracket is open. */
  get isInside() {
    return this.frames.some(({ tag }, index) => index > 0 && tag === null);
  }

  get #top() {
    return /** @type {Frame} */ (this.frames.at(-1));
  }

  /** @type {(at: number, mark: string) => number} Read an opening bracket. */
  readOpening(at, mark) {
    this.#push(at, mark, null);
    return at + mark.length;
  }

  /** @type {(at: number, tag: "sub" | "sup" | "kbd", written: string) => void} */
  openTag(at, tag, written) {
    this.#push(at, written, tag);
  }

  /** @type {(at: number, tag: "sub" | "sup" | "kbd", written: string) => void} */
  closeTag(at, tag, written) {
    this.dropFar(at);
    const index = this.frames.findLastIndex((frame) => frame.tag === tag);
    if (index < 0) return void this.source.addText(written, at);
    this.flattenTo(index);
    const frame = this.#pop();
    this.items.push(nodeItem(tag, emphasize(frame.items).map(asText), frame.at));
  }

  /** @type {(at: number) => number} Read a closing bracket. */
  readClosing(at) {
    const { source } = this;
    source.place++;
    this.dropFar(at);
    const index = this.frames.findLastIndex((frame, place) => place > 0 && frame.tag === null);
    if (index < 0) return source.addText("]", at);
    if (at + 1 === source.text.length && source.isOpen) return this.#wait(index, at);
    this.flattenTo(index);
    const frame = this.frames[index];
    const found = frame.isActive ? this.#targetOf(frame, at) : null;
    if (found === WAIT) return this.#wait(index, at);
    if (found) return this.#close(found);
    this.#flatten(index);
    return source.addText("]", at);
  }

  /**
   * Turn what is open beyond a depth into text.
   *
   * @param {number} index the frame that becomes the innermost one
   */
  flattenTo(index) {
    const above = this.frames.splice(index + 1);
    for (const frame of above) this.#moveTo(this.#top, frame);
  }

  /** @param {number} at Turn the frames into text that are too far from an index to be closed there. */
  dropFar(at) {
    const here = { at, place: this.source.place };
    while (this.frames.length > 1 && (this.frames.length > MAX_FRAMES || !isNear(this.frames[1], here))) this.#flatten(1);
  }

  /** @type {(at: number, mark: string, tag: Frame["tag"]) => void} */
  #push(at, mark, tag) {
    this.frames.push({ mark, tag, at, place: this.source.place++, isActive: true, closedAt: -1, items: [] });
    this.dropFar(at);
  }

  #pop() {
    return /** @type {Frame} */ (this.frames.pop());
  }

  /** @type {(index: number, at: number) => typeof WAIT} */
  #wait(index, at) {
    this.frames[index].closedAt = at;
    return WAIT;
  }

  /** @param {number} index */
  #flatten(index) {
    const [frame] = this.frames.splice(index, 1);
    this.#moveTo(this.frames[index - 1], frame);
  }

  /** @type {(target: Frame, frame: Frame) => void} */
  #moveTo(target, { mark, at, items }) {
    target.items.push(textItem(mark, at));
    for (const item of items) target.items.push(item);
  }

  /**
   * Find where the text in a frame leads.
   *
   * @type {(frame: Frame, at: number) => {end: number, late: TreeNode["late"], isCitation?: boolean} | typeof WAIT | null}
   */
  #targetOf(frame, at) {
    const { text, isOpen } = this.source;
    const isWithinReach = at - frame.at < 1000;
    const target = text[at + 1] === "(" ? targetAt(text, at + 1, isOpen) : null;
    if (target) return target === WAIT ? WAIT : { end: target.end, late: { href: target.href, title: target.title } };
    const label = text[at + 1] === "[" ? labelAt(text, at + 1, isOpen) : null;
    if (label === WAIT) return WAIT;
    const inner = text.slice(frame.at + frame.mark.length, at);
    if (label) return this.#reference(frame, label.label, inner, label.end);
    const isLabel = isWithinReach && /^(?:[^\\[\]]|\\[^])*$/.test(inner) && inner.trim() !== "";
    if (!isLabel) return null;
    if (text.startsWith("[]", at + 1)) return this.#reference(frame, labelOf(inner), inner, at + 3);
    const late = this.source.references.find(labelOf(inner));
    return late ? { end: at + 1, late, isCitation: CITATION.test(inner) } : null;
  }

  /**
   * Resolve a reference with a label of its own. While its definition may still come, it is a link all the same.
   *
   * @type {(frame: Frame, label: string, inner: string, end: number) => {end: number, late: TreeNode["late"]} | null}
   */
  #reference({ at }, label, inner, end) {
    const { references } = this.source;
    const late = references.find(label);
    if (late) return { end, late };
    const isLikely = !/[A-Za-z0-9_\])]/.test(this.source.characterBefore(at)) && !CITATION.test(inner);
    return isLikely && references.mayExpect(label) ? { end, late: undefined } : null;
  }

  /** @type {(found: {end: number, late: TreeNode["late"], isCitation?: boolean}) => number} */
  #close({ end, late, isCitation = false }) {
    const { mark, at, items } = this.#pop();
    const isImage = mark === "![";
    const inner = emphasize(items).map(asText);
    const children = isImage ? [textItem(textOf(inner), at)].filter(({ text }) => text) : withoutLinks(inner);
    if (isCitation) children.splice(0, 0, textItem("[", at)) && children.push(textItem("]", at));
    const href = late ? this.source.references.safeHref(late.href) : null;
    if (isImage && !children.length) children.push(textItem(href ?? "image", at));
    if (late && href === null) this.items.push(...children);
    else this.items.push(nodeItem("link", children, at, { literal: mark, late: late && { href: href ?? "", title: late.title } }));
    if (!isImage) for (const frame of this.frames) frame.isActive &&= frame.mark === "![" || frame.tag !== null;
    return end;
  }
}

/**
 * Return items without the links in them. Of a picture inside a link, the link counts: a reader wants to go where it leads.
 *
 * @param {Exclude<Item, import("./inline-items.js").Run>[]} items
 * @returns {Exclude<Item, import("./inline-items.js").Run>[]}
 */
function withoutLinks(items) {
  return items.flatMap((item) => {
    if (item.type !== "node") return [item];
    const children = withoutLinks(/** @type {Exclude<Item, import("./inline-items.js").Run>[]} */ (item.children));
    return item.kind === "link" ? children : [{ ...item, children }];
  });
}

/** @type {(items: Item[]) => string} Return the text of items without their marks: a picture's description has none. */
function textOf(items) {
  return items.map((item) => (item.type === "node" ? (item.kind === "break" ? "\n" : textOf(item.children)) : item.type === "text" ? item.text : "")).join("");
}
