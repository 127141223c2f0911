/**
 * A run of an answer's text: Markdown on the page, and read out.
 */

import { Both } from "./both.js";
import { Renderer } from "./markdown-dom.js";
import { Markdown } from "./markdown.js";

const OPERATIONS = ["open", "text", "set", "close", "unwrap", "drop"];

export class Prose {
  type = "text";

  /** Write into an `element` of its own; `announcer` may be null. */
  constructor(announcer) {
    this.element = document.createElement("div");
    this.element.className = "prose";
    this.renderer = new Renderer(this.element);
    this.markdown = new Markdown(announcer ? new Both(OPERATIONS, this.renderer, announcer) : this.renderer);
  }

  feed(text) {
    this.markdown.feed(text);
    this.renderer.flush();
  }

  /** It ends here; `isCut` where there should have been more. */
  end(isCut) {
    this.markdown.end(isCut);
    this.renderer.flush();
  }
}
