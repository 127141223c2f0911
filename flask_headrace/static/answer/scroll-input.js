/**
 * What a reader's keys, wheel and finger mean to the page: whether they move it, and which way.
 */

const UPWARD_KEYS = new Set(["ArrowUp", "PageUp", "Home"]);

/**
 * Return whether a key moves the page up.
 *
 * @param {KeyboardEvent} event
 */
export function isUpward({ key, shiftKey, altKey, target }) {
  if (key === " ") return shiftKey && !(target instanceof Element && target.closest("button, a, summary"));
  return UPWARD_KEYS.has(key) && !altKey;
}

/**
 * Return whether a key is for the element that has the focus: it moves a caret, or makes another choice.
 *
 * @param {KeyboardEvent} event
 */
export function movesCaret({ target }) {
  if (target instanceof HTMLTextAreaElement) return target.value !== "";
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLElement && target.isContentEditable;
}

/**
 * Return whether an element, or one around it inside of the page, can itself move up.
 *
 * @param {EventTarget | null} target
 */
export function scrollsInside(target) {
  let element = target instanceof Element ? target : null;
  while (element && element !== document.body && element !== document.documentElement) {
    if (element.scrollTop > 0 && /auto|scroll/.test(getComputedStyle(element).overflowY)) return true;
    element = element.parentElement;
  }
  return false;
}
