/**
 * Streaming Markdown, the inside of one block: what was shown of it is made what its text says now.
 *
 * Only the end of the text that may still change is read again: it begins with the first mark that is open. The tree is always
 * the one that the whole text has, however it was cut. Nearly always the operations only add to what stands; where marks
 * turn out to be text, `unwrap` puts them there; where they mean something else, the open node is dropped and comes again; and
 * where text that was shown as closed changes, the whole block comes again. That is bounded: a block in which it happens
 * too often shows only what cannot change any more.
 */

import { asText, emphasize } from "./emphasis.js";
import { isNear } from "./inline-items.js";
import { InlineParser } from "./inline-parser.js";
import { extendTree, extendsTree, openNodesOf, treeOf, withoutInnermost } from "./inline-tree.js";
import { OpenView } from "./open-view.js";

/** @import { MarkdownSink } from "./operations.js" */
/** @import { References } from "./references.js" */
/** @import { Tree } from "./inline-tree.js" */
/** @import { Item } from "./inline-items.js" */

/** So many times a block comes again as a whole before it shows only what cannot change. */
const MAX_RETYPES = 16;

/** Reads the text of one block, and passes its spans and its text on as operations. */
export class Inline {
  /** @type {string[]} The whole text, in pieces. */
  #pieces = [];
  /** The end of the text, which is read again when more comes. */
  #tail = "";
  /** The character before it. */
  #previous = "";
  /** @type {Tree} What is shown of that end. */
  #shown = [];
  #retypes = 0;

  /**
   * @param {MarkdownSink} sink receives the operations
   * @param {References} references
   * @param {() => void} retype removes the block, and opens it again without its text
   */
  constructor(sink, references, retype) {
    this.sink = sink;
    this.references = references;
    this.retype = retype;
    references.startBlock();
  }

  /**
   * Read the next text of the block.
   *
   * @param {string} text
   */
  feed(text) {
    this.#pieces.push(text);
    this.#tail += text;
    // A flood of blanks is not read again for each: they show when something follows them.
    if (/[^ \t]/.test(text) || !/[ \t]{8}$/.test(this.#tail.slice(-8))) this.#update(true);
  }

  /**
   * End the block's text. The block itself is closed by its owner.
   *
   * @param {boolean} [isCut] whether the answer was cut off: open emphasis then stays, instead of becoming text again
   */
  end(isCut = false) {
    if (isCut) this.#cut();
    else this.#update(false);
    const { labels, isExpecting } = this.references.takeMissing();
    if (labels.size) this.sink.set({ id: this.references.keep(this.#pieces.join(""), labels, isExpecting) });
  }

  /** @param {import("./references.js").KeptBlock} block Read the text of a block that was read before. */
  readAgain(block) {
    this.#tail = block.text;
    this.#update(false);
    const { labels, isExpecting } = this.references.takeMissing();
    this.references.update(block, labels, isExpecting);
  }

  /** @param {boolean} isOpen whether more text may come */
  #update(isOpen) {
    const { settled, open, end, previous } = this.#read(this.#tail, this.#previous, isOpen);
    const isCautious = isOpen && this.#retypes >= MAX_RETYPES;
    const shown = isCautious ? [] : open;
    if (!this.#reconcile(treeOf([...settled, ...shown]))) return this.#retype(isOpen);
    this.#advance(end, previous, treeOf(shown));
  }

  /** @type {(end: number, previous: string, shown: Tree) => void} */
  #advance(end, previous, shown) {
    this.#tail = this.#tail.slice(end);
    this.#previous = previous;
    this.#shown = shown;
  }

  /** @param {boolean} isOpen Let the block come again as a whole. */
  #retype(isOpen) {
    this.#retypes++;
    for (let left = openNodesOf(this.#shown).length; left > 0; left--) this.sink.drop();
    this.retype();
    const text = this.#pieces.join("");
    this.#pieces = [text];
    this.#tail = text;
    this.#previous = "";
    this.#shown = [];
    this.#update(isOpen);
  }

  /**
   * Read a text into what cannot change any more and what may.
   *
   * @type {(text: string, previous: string, isOpen: boolean) => {settled: Item[], open: Item[], end: number, previous: string}}
   */
  #read(text, previous, isOpen) {
    const parser = new InlineParser(text, { previous, isOpen, references: this.references }).read();
    const { frames } = parser.brackets;
    if (!isOpen) {
      parser.brackets.flattenTo(0);
      return { settled: emphasize(frames[0].items).map(asText), open: [], end: text.length, previous: "" };
    }
    parser.brackets.dropFar(text.length);
    const here = { at: text.length, place: parser.place };
    const items = emphasize(frames[0].items).map((item) => (item.type === "run" && !isNear(item, here) ? asText(item) : item));
    const first = firstUnsettled(items, parser.end, Math.min(parser.doubt, parser.lastWord));
    const count = first < 0 ? items.length : first;
    const end = Math.min(items[count]?.at ?? parser.end, frames[1]?.at ?? text.length, parser.end);
    const open = new OpenView(parser, here).show([{ ...frames[0], items: items.slice(count) }, ...frames.slice(1)]);
    return { settled: /** @type {Item[]} */ (items.slice(0, count)), open, end, previous: parser.characterBefore(end) };
  }

  /**
   * Make what is shown into what is wanted, and return whether that was possible without the block coming again.
   *
   * @param {Tree} wanted
   */
  #reconcile(wanted) {
    const shown = this.#shown;
    if (extendsTree(shown, wanted)) return extendTree(this.sink, shown, wanted);
    const open = openNodesOf(shown);
    let unwrapped = shown;
    for (const count of open.keys()) {
      unwrapped = withoutInnermost(unwrapped, true);
      if (!extendsTree(unwrapped, wanted)) continue;
      for (const { literal } of open.toReversed().slice(0, count + 1)) this.sink.unwrap(literal ?? "");
      return extendTree(this.sink, unwrapped, wanted);
    }
    let dropped = shown;
    for (const count of open.keys()) {
      dropped = withoutInnermost(dropped, false);
      if (!extendsTree(dropped, wanted)) continue;
      for (let left = count + 1; left > 0; left--) this.sink.drop();
      return extendTree(this.sink, dropped, wanted);
    }
    return false;
  }

  /** Close what is open as it looks, because the answer was cut off, and show what was held back unless it is marks. */
  #cut() {
    const { end } = new InlineParser(this.#tail, { previous: this.#previous, isOpen: true, references: this.references }).read();
    for (const { kind } of openNodesOf(this.#shown).toReversed()) {
      if (kind === "link") this.sink.unwrap("");
      else this.sink.close();
    }
    const held = this.#tail.slice(end).trimEnd();
    const isMarks = /^[\s*_~`[\]!<(\\$|]*$|^\]/.test(held);
    if (!isMarks && this.#retypes < MAX_RETYPES) this.sink.text(held);
  }
}

/**
 * Return the index of the first item that may change when more text comes: a run of marks and what it has closed, an open node,
 * and what stands from an index in the text on. -1 for none.
 *
 * @param {Item[]} items
 * @param {number} end where the last item ends
 * @param {number} doubt
 */
function firstUnsettled(items, end, doubt) {
  const places = new Set(items.map((item) => (item.type === "run" ? item.place : NaN)));
  return items.findIndex((item, index) => {
    if (item.at >= doubt || (items[index + 1]?.at ?? end) > doubt || item.type === "run") return true;
    return item.type === "node" && (item.isOpen || (item.closer !== undefined && places.has(item.closer)));
  });
}
