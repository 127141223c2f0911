/**
 * Names of the page's regions for screen readers, each a different one: "python code", "python code 2", "Table 1: Kind, Head".
 *
 * A number is used again once its region is no longer on the page.
 */

/** Among so many numbers one is looked for that can be used again; looking through all would be slow for a very long answer. */
const MAX_SEARCHED = 200;

/** Most characters of a table's head in its name. */
const MAX_HEAD_CHARACTERS = 80;

const WORDS = {
  /** @param {string} language "" where none is named */
  code: (language) => (language ? `${language} code` : "Code"),
  /** @param {string} name the name of a block of code */
  copy: (name) => `Copy this ${name === "Code" ? "code" : name.replace(/^Code (?=\d)/, "code ")}`,
  table: "Table",
};

/** A region: its element, and whether it was on the page. @typedef {{element: WeakRef<Element>, wasShown: boolean}} Region */

/** Counts the regions of a page by their names. */
export class RegionNames {
  /** @type {Map<string, Region[]>} */
  #regions = new Map();

  /**
   * Count an element among those with a name, and return its number: 1 for the first one.
   *
   * @param {string} name
   * @param {Element} element put on the page before, or in the same task
   */
  number(name, element) {
    const regions = this.#regions.get(name) ?? [];
    this.#regions.set(name, regions);
    while (regions.length && isGone(regions[regions.length - 1])) regions.pop();
    const region = { element: new WeakRef(element), wasShown: element.isConnected };
    queueMicrotask(() => {
      region.wasShown ||= element.isConnected;
    });
    const free = regions.slice(0, MAX_SEARCHED).findIndex(isGone);
    if (free < 0) return regions.push(region);
    regions[free] = region;
    return free + 1;
  }

  /**
   * Return a name that no other element has: with a number from the second one on.
   *
   * @param {string} name
   * @param {Element} element see `number`
   */
  unique(name, element) {
    const number = this.number(name, element);
    return number === 1 ? name : `${name} ${number}`;
  }
}

/** The names of this page. */
export const pageRegions = new RegionNames();

/**
 * Add a number to the name of an element if another one has the same name.
 *
 * @param {Element} element with an `aria-label`
 * @param {RegionNames} [names]
 */
export function makeNameUnique(element, names = pageRegions) {
  element.setAttribute("aria-label", names.unique(element.getAttribute("aria-label") ?? "", element));
}

/**
 * Name a block of code and its button.
 *
 * @param {Element} figure
 * @param {string} language "" where none is named
 * @param {RegionNames} [names]
 */
export function nameCode(figure, language, names = pageRegions) {
  const name = names.unique(WORDS.code(language), figure);
  figure.querySelector("pre")?.setAttribute("aria-label", name);
  figure.querySelector("button")?.setAttribute("aria-label", WORDS.copy(name));
}

/**
 * Name a table whose head has not come yet.
 *
 * @param {Element} region the element that scrolls the table
 * @param {RegionNames} [names]
 */
export function nameTable(region, names = pageRegions) {
  region.setAttribute("aria-label", `${WORDS.table} ${names.number(WORDS.table, region)}`);
}

/**
 * Add the head of a table to its name.
 *
 * @param {Element} region named before
 */
export function addTableHead(region) {
  const cells = [...region.querySelectorAll("th")].map((cell) => (cell.textContent ?? "").replace(/\s+/g, " ").trim());
  const head = cells.filter(Boolean).join(", ");
  if (!head) return;
  const shown = head.length > MAX_HEAD_CHARACTERS ? `${head.slice(0, MAX_HEAD_CHARACTERS).trimEnd()}…` : head;
  region.setAttribute("aria-label", `${region.getAttribute("aria-label")}: ${shown}`);
}

/** @param {Region} region */
function isGone(region) {
  const element = region.element.deref();
  if (!element) return true;
  if (element.isConnected) return false;
  return region.wasShown;
}
