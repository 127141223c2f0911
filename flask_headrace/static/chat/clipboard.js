/**
 * Copies text, and shows on the button whether that succeeded.
 *
 * Knows the clipboard, also that of a page that is not served over https, from which browsers hide the new interface.
 */

const MESSAGE_DURATION_MS = 1600;

/**
 * Copy a text.
 *
 * @param {string} text
 * @param {HTMLElement} button shows the result for a moment, in its part "label" or as its whole text
 * @returns {Promise<string>} the result in words, to be read out
 */
export async function copyText(text, button) {
  const label = button.querySelector("[data-part=label]") ?? button;
  const before = (button.dataset.says ??= label.textContent ?? "");
  const isCopied = await writeToClipboard(text);
  const message = isCopied ? "Copied" : "Not copied";
  label.textContent = message;
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = String(setTimeout(() => (label.textContent = before), MESSAGE_DURATION_MS));
  return message;
}

/**
 * Write a text to the clipboard, and return whether that succeeded.
 *
 * @param {string} text
 */
async function writeToClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeByCommand(text);
  }
}

/**
 * Write a text to the clipboard by the old command, which copies what is selected, and return whether that succeeded.
 *
 * @param {string} text
 */
function writeByCommand(text) {
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
