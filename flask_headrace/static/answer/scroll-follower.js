/**
 * Keeps the end of the page in sight for as long as the reader wants it.
 *
 * Knows scrolling. A reader who scrolls up is left alone; one who comes back to the end, or asks for it, is followed again.
 */

/** A reader within so many pixels of the end counts as being there. */
const END_DISTANCE_PX = 48;

/** Scrolls the page to its end as the page grows, unless the reader has scrolled up. */
export class ScrollFollower {
  isFollowing = false;

  /** @param {(isFollowing: boolean) => void} onChange called when the reader leaves the end, or comes back to it */
  constructor(onChange) {
    this.page = document.scrollingElement ?? document.documentElement;
    this.onChange = onChange;
    this.top = this.page.scrollTop;
    this.height = this.page.scrollHeight;
    addEventListener("scroll", () => this.#onScroll(), { passive: true });
    // A wheel that turns up shows what the reader wants before the page has moved, and new text could hide the move.
    addEventListener("wheel", (event) => this.#onWheel(event), { passive: true });
    addEventListener("resize", () => this.keepUp());
  }

  /** Scroll to the end if the reader wants it there, because the page has grown. */
  keepUp() {
    if (this.isFollowing) this.#scrollToEnd();
  }

  /** Scroll to the end, and keep it in sight from here on. */
  start() {
    this.#set(true);
    this.#scrollToEnd();
  }

  /** Scroll to the top of a page that was emptied, and follow nothing. */
  reset() {
    this.isFollowing = false;
    this.onChange(true);
    this.page.scrollTop = 0;
  }

  #scrollToEnd() {
    this.page.scrollTop = this.page.scrollHeight;
    this.top = this.page.scrollTop;
    this.height = this.page.scrollHeight;
  }

  #onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.page;
    // A page that became shorter moves up by itself.
    const isUp = scrollTop < this.top - 1 && scrollHeight >= this.height;
    this.top = scrollTop;
    this.height = scrollHeight;
    const distance = scrollHeight - scrollTop - clientHeight;
    if (isUp && distance > 2) this.#set(false);
    else if (distance < END_DISTANCE_PX && !isUp) this.#set(true);
  }

  /** @param {WheelEvent} event */
  #onWheel({ deltaY, target }) {
    const isInField = target instanceof Element && target.closest("textarea") !== null;
    if (deltaY < 0 && this.page.scrollTop > 0 && !isInField) this.#set(false);
  }

  /** @param {boolean} isFollowing */
  #set(isFollowing) {
    if (isFollowing === this.isFollowing) return;
    this.isFollowing = isFollowing;
    this.onChange(isFollowing);
  }
}
