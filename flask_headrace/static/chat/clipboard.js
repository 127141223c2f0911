/**
 * Copying text, and saying on the button that it worked.
 *
 * Knows the clipboard, also that of a page that is not served over https, where browsers hide the new interface.
 */

const SHOWN = 1600;

/** Copy `text`; `button` says for a moment how that went, and it is returned to be read out. */
export async function copy(text, button) {
  const label = button.querySelector("[data-part=label]") ?? button;
  const before = (button.dataset.says ??= label.textContent);
  const copied = await write(text);
  label.textContent = copied ? "Copied" : "Not copied";
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => (label.textContent = before), SHOWN);
  return label.textContent;
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeOld(text);
  }
}

function writeOld(text) {
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return copied;
}
