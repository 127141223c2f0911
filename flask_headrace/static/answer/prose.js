/**
 * A run of an answer's text: Markdown, shown on the page and read out.
 */

import { createElement } from "../dom/elements.js";
import { Markdown } from "../markdown/markdown.js";
import { MARKDOWN_OPERATIONS } from "../markdown/operations.js";
import { MarkdownRenderer } from "./markdown-renderer.js";
import { tee } from "./tee.js";

/** @import { MarkdownSink } from "../markdown/operations.js" */

/** Shows one run of text as Markdown. */
export class Prose {
  type = /** @type {const} */ ("text");

  /**
   * Make the `element` into which the text is rendered.
   *
   * @param {MarkdownSink | null} [announcer] reads the text out; null for no one
   * @param {"prose" | "thoughts"} [className] "thoughts" for what is not the answer itself, but looks the same
   */
  constructor(announcer = null, className = "prose") {
    this.element = createElement("div", { className });
    this.renderer = new MarkdownRenderer(this.element);
    /** @type {MarkdownSink} */
    const sink = announcer ? tee(MARKDOWN_OPERATIONS, this.renderer, announcer) : this.renderer;
    this.markdown = new Markdown(sink);
  }

  /** @param {string} text the next text */
  append(text) {
    this.markdown.feed(text);
    this.renderer.flush();
  }

  /** @param {boolean} [isCut] whether the text was cut off here */
  end(isCut = false) {
    this.markdown.end(isCut);
    this.renderer.flush();
  }
}
