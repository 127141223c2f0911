/**
 * A menu made of `<details>`: a button that opens a few more.
 */

/**
 * Close a menu when one of its buttons is pressed, when the focus or a click goes elsewhere, and at Escape.
 *
 * @param {HTMLDetailsElement} menu
 */
export function closeOutside(menu) {
  menu.addEventListener("focusout", ({ relatedTarget }) => {
    // A click on what takes no focus has no such target; a click beside the menu closes it all the same.
    if (!(relatedTarget instanceof Node) || !menu.contains(relatedTarget)) setTimeout(() => close(menu));
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.preventDefault();
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}

/** @param {HTMLDetailsElement} menu */
function close(menu) {
  if (!menu.contains(document.activeElement)) menu.open = false;
}
