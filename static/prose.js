/**
 * The body of an answer that is text: Markdown on the page, and read out.
 */

import { Both } from "./both.js";
import { Renderer } from "./markdown-dom.js";
import { Markdown } from "./markdown.js";

const OPERATIONS = ["open", "text", "set", "close", "unwrap", "drop"];

export class Prose {
  /** What a button that copies it says. */
  copies = "Copy";

  /** Write into `element`, which is emptied; `announcer` may be null. */
  constructor(element, announcer) {
    element.replaceChildren();
    this.element = element;
    this.renderer = new Renderer(element);
    this.markdown = new Markdown(announcer ? new Both(OPERATIONS, this.renderer, announcer) : this.renderer);
  }

  get isEmpty() {
    return !this.element.hasChildNodes();
  }

  /** What is copied of an answer whose text is `text`. */
  copied(text) {
    return text;
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
