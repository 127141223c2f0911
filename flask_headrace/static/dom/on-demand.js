/**
 * Files that only some answers need: loaded when they are first asked for, once for the page.
 */

/** Milliseconds until what could not be loaded is asked for again. Where a file is not served at all, it stays away. */
const RETRY_AFTER_MS = 30_000;

/**
 * Something that is loaded when it is first needed. That it cannot be loaded is no error: those who need it go without.
 *
 * @template T
 */
export class OnDemand {
  /** @type {T | null} What was loaded; null until then. */
  value = null;
  /** @type {Promise<T | null> | null} */
  #loading = null;
  #failedAt = -Infinity;

  /** @param {() => Promise<T>} load */
  constructor(load) {
    this.loadValue = load;
  }

  /**
   * Load it, unless that was done or has failed just now.
   *
   * @returns {Promise<T | null>} null if it cannot be had
   */
  async load() {
    if (this.value || performance.now() - this.#failedAt < RETRY_AFTER_MS) return this.value;
    this.#loading ??= this.#tryToLoad();
    return this.#loading;
  }

  async #tryToLoad() {
    try {
      this.value = await this.loadValue();
    } catch {
      this.#failedAt = performance.now();
    }
    this.#loading = null;
    return this.value;
  }
}

/**
 * Run the classic script at an address, for what it leaves on the global object.
 *
 * @param {string} src
 * @returns {Promise<void>} rejects if it cannot be loaded
 */
export function loadScript(src) {
  return loadElement(Object.assign(document.createElement("script"), { src }));
}

/**
 * Add the style sheet at an address to the page, unless it is there.
 *
 * @param {string} href
 * @returns {Promise<void>} rejects if it cannot be loaded
 */
export async function loadStyleSheet(href) {
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return;
  await loadElement(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}

/**
 * Apply the style sheet at an address without the fonts that it brings along: a page's policy may forbid them, and browsers
 * report that even where no text uses them.
 *
 * @param {string} href
 * @returns {Promise<void>} rejects if it cannot be loaded
 */
export async function adoptStyleSheet(href) {
  const response = await fetch(href);
  if (!response.ok) throw new Error(`${href} cannot be loaded: ${response.status}`);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync((await response.text()).replace(/@font-face\s*\{[^{}]*\}/g, ""));
  document.adoptedStyleSheets.push(sheet);
}

/**
 * @param {HTMLScriptElement | HTMLLinkElement} element
 * @returns {Promise<void>}
 */
function loadElement(element) {
  return new Promise((resolve, reject) => {
    element.onload = () => resolve();
    element.onerror = () => {
      element.remove();
      reject(new Error(`${element.tagName.toLowerCase()} cannot be loaded`));
    };
    document.head.append(element);
  });
}
