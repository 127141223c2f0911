/**
 * Keeps the end of the page in sight for as long as the reader wants it.
 *
 * Knows scrolling. A reader who moves up, by whatever means, is left alone: a wheel, a finger, a key, the scroll bar, the
 * browser's search, or Tab to something in the page. One who comes back to the end, or asks for it, is followed again.
 */

import { isUpward, movesCaret, scrollsInside } from "./scroll-input.js";

/** A reader who moves down to within so many pixels of the end counts as being there. */
const END_DISTANCE_PX = 48;
/** The same for a finger on the screen, which is never quite still. */
const TOUCH_END_DISTANCE_PX = 2;
/** A finger that has moved down by so many pixels moves the page up. */
const TOUCH_MOVE_PX = 4;

/** Scrolls the page to its end as the page grows, unless the reader has moved up. */
export class ScrollFollower {
  isFollowing = false;
  /** The page when it was last looked at: its place, its height, and the height of what is seen of it. */
  #seen = { top: 0, height: 0, viewHeight: 0 };
  /** The highest place of the finger on the screen; null for no finger, or several. @type {number | null} */
  #fingerTop = null;
  #contentHeight = 0;
  #isTabbing = false;
  /** What the reader has reached by Tab: the page does not move away from it. @type {Element | null} */
  #reached = null;
  /** What the reader has just clicked on in the page, which may make it longer. @type {Element | null} */
  #clicked = null;

  /** @param {(isFollowing: boolean) => void} onChange called when the reader leaves the end, or comes back to it */
  constructor(onChange) {
    this.page = document.scrollingElement ?? document.documentElement;
    this.onChange = onChange;
    this.#remember();
    this.#listen();
    this.#watchGrowth();
  }

  /** Scroll to the end if the reader wants it there, because the page has grown. */
  keepUp() {
    if (!this.isFollowing) return;
    // The reader's own scrolling is seen here at once; its event comes later, when new text would have hidden it.
    if (this.#isMovedUp || this.#isReachedLeft || this.#isLongerByClick) this.#set(false);
    else this.#scrollToEnd();
    this.#clicked = null;
  }

  /** Scroll to the end, and keep it in sight from here on. */
  start() {
    this.#reached = null;
    this.#clicked = null;
    this.#set(true);
    this.#scrollToEnd();
  }

  /** Scroll to the top of a page that was emptied, and follow nothing. */
  reset() {
    this.isFollowing = false;
    this.onChange(true);
    this.page.scrollTop = 0;
  }

  #listen() {
    const passive = { passive: true };
    addEventListener("scroll", () => this.#onScroll(), passive);
    // These show what the reader wants before the page has moved.
    addEventListener("wheel", ({ deltaY, target }) => deltaY < 0 && this.#leave(target), passive);
    addEventListener("touchstart", (event) => this.#onTouch(event), passive);
    addEventListener("touchmove", (event) => this.#onTouch(event), passive);
    for (const type of ["touchend", "touchcancel"]) addEventListener(type, () => (this.#fingerTop = null), passive);
    addEventListener("keydown", (event) => this.#onKey(event));
    for (const type of ["keyup", "blur", "pointerdown"]) addEventListener(type, () => (this.#isTabbing = false), passive);
    addEventListener("focusin", ({ target }) => (this.#reached = this.#isTabbing ? inPage(target) : null));
    addEventListener("click", ({ target }) => this.#onClick(target), { capture: true });
  }

  #watchGrowth() {
    addEventListener("resize", () => this.keepUp());
    addEventListener("pageshow", () => this.keepUp());
    document.addEventListener("visibilitychange", () => this.keepUp());
    // Pictures and formulas make the page longer after they were put there.
    new ResizeObserver(([{ contentRect }]) => this.#onResize(contentRect.height)).observe(document.body);
  }

  /** @param {number} height of the page's content */
  #onResize(height) {
    // A page that became so short that its end is in sight has no end to go to.
    if (height < this.#contentHeight && this.#distance <= 2) this.#set(true);
    this.#contentHeight = height;
    this.keepUp();
  }

  #scrollToEnd() {
    this.page.scrollTop = this.page.scrollHeight;
    this.#remember();
  }

  #remember() {
    const { scrollTop: top, scrollHeight: height, clientHeight: viewHeight } = this.page;
    this.#seen = { top, height, viewHeight };
  }

  get #distance() {
    const { scrollTop, scrollHeight, clientHeight } = this.page;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** Whether the page has moved up since it was looked at. A page that became shorter, or its window higher, does so by itself. */
  get #isMovedUp() {
    const { top, height, viewHeight } = this.#seen;
    const { scrollTop, scrollHeight, clientHeight } = this.page;
    return scrollTop < top - 1 && scrollHeight >= height && clientHeight <= viewHeight && this.#distance > 2;
  }

  /** Whether scrolling to the end would move away from what the reader has reached by Tab. */
  get #isReachedLeft() {
    return this.#reached !== null && this.#reached === document.activeElement && this.#distance > 2;
  }

  /** Whether something that the reader has opened, and that does not grow by itself, has moved the end out of sight. */
  get #isLongerByClick() {
    return this.#clicked !== null && !this.#clicked.closest("[data-growing]") && this.#distance > END_DISTANCE_PX;
  }

  #onScroll() {
    const isDown = this.page.scrollTop > this.#seen.top;
    const nearness = this.#fingerTop === null ? END_DISTANCE_PX : TOUCH_END_DISTANCE_PX;
    if (this.#isMovedUp) this.#set(false);
    else if (isDown && this.#distance < nearness) this.#set(true);
    this.#remember();
  }

  /** @param {TouchEvent} event */
  #onTouch({ type, touches, target }) {
    const y = touches.length === 1 ? touches[0].clientY : null;
    if (type === "touchstart" || y === null || this.#fingerTop === null) {
      this.#fingerTop = y;
      return;
    }
    if (y > this.#fingerTop + TOUCH_MOVE_PX) this.#leave(target);
    this.#fingerTop = Math.min(y, this.#fingerTop);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    this.#isTabbing = event.key === "Tab";
    if (event.defaultPrevented || movesCaret(event)) return;
    if (isUpward(event)) this.#leave(event.target);
    else if (event.key === "End") this.#set(true);
  }

  /** @param {EventTarget | null} target */
  #onClick(target) {
    const clicked = inPage(target);
    this.#clicked = clicked;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (this.#clicked === clicked) this.#clicked = null;
    }));
  }

  /** @param {EventTarget | null} target where the reader moves up */
  #leave(target) {
    if (this.page.scrollTop > 0 && !scrollsInside(target)) this.#set(false);
  }

  /** @param {boolean} isFollowing */
  #set(isFollowing) {
    if (isFollowing === this.isFollowing) return;
    this.isFollowing = isFollowing;
    this.onChange(isFollowing);
  }
}

/** @type {(target: EventTarget | null) => Element | null} Return an element if it scrolls with the page; what is written into does not. */
function inPage(target) {
  return target instanceof Element && target.closest("main") ? target : null;
}
