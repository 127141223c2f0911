/**
 * Keeping the end of the page in sight, as long as the reader wants it.
 *
 * Knows scrolling. A reader who moves up is never fought; one who comes back to the end, or asks for it, is followed again.
 */

/** Pixels from the end that still count as being there. */
const NEAR = 48;

export class Follow {
  /** `changed(following)` is told when the reader leaves the end or comes back to it. */
  constructor(changed = () => {}) {
    this.page = document.scrollingElement;
    this.changed = changed;
    this.following = false;
    this.top = this.page.scrollTop;
    this.height = this.page.scrollHeight;
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // A wheel turned up says what the reader wants before the page has moved, and new text could hide the move.
    addEventListener("wheel", (event) => this.#turned(event), { passive: true });
    addEventListener("resize", () => this.grown());
  }

  /** The page has grown. */
  grown() {
    if (this.following) this.#toEnd();
  }

  /** The reader asks for the end. */
  now() {
    this.#set(true);
    this.#toEnd();
  }

  /** There is nothing to follow. */
  rest() {
    this.following = false;
    this.changed(true);
    this.page.scrollTop = 0;
  }

  #toEnd() {
    this.page.scrollTop = this.page.scrollHeight;
    this.top = this.page.scrollTop;
    this.height = this.page.scrollHeight;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.page;
    // A page that became shorter moves up by itself.
    const up = scrollTop < this.top - 1 && scrollHeight >= this.height;
    this.top = scrollTop;
    this.height = scrollHeight;
    if (up && scrollHeight - scrollTop - clientHeight > 2) this.#set(false);
    else if (scrollHeight - scrollTop - clientHeight < NEAR && !up) this.#set(true);
  }

  #turned({ deltaY, target }) {
    if (deltaY < 0 && this.page.scrollTop > 0 && !target.closest("textarea")) this.#set(false);
  }

  #set(following) {
    if (following === this.following) return;
    this.following = following;
    this.changed(following);
  }
}
