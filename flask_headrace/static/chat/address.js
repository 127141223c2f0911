/**
 * The page's address names the conversation that it shows, so that a reload, a bookmark and the browser's back button find it.
 *
 * Knows the fragment of the address: `#<id>`, or none for a new conversation.
 */

/** The id of the conversation in the address; "" for a new one. */
export function addressedId() {
  return decodeURIComponent(location.hash.slice(1));
}

/**
 * Let the address name a conversation.
 *
 * @param {string} id "" for a new one
 * @param {{isNew?: boolean}} [options] whether the conversation was on the page before it had a name: the address then stands for the same
 */
export function setAddress(id, { isNew = false } = {}) {
  if (id === addressedId()) return;
  const address = location.pathname + location.search + (id && `#${encodeURIComponent(id)}`);
  if (isNew) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

/** @param {(id: string) => void} listener called when the reader goes back or forward, or enters another fragment */
export function onAddressChange(listener) {
  addEventListener("popstate", () => listener(addressedId()));
}
