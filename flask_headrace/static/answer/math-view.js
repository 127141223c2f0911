/**
 * A formula on the page, as MathML, at every moment while its TeX comes: as far as it can be shown, and what follows as its
 * source. Where the library that renders TeX cannot be had, and where a formula is not valid, its source is shown.
 *
 * Of what the library makes, only elements and attributes of MathML reach the page: no link, no identifier, nothing of HTML.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";
import { frames } from "../dom/frame-queue.js";
import { adoptStyleSheet, loadScript, loadStyleSheet, OnDemand } from "../dom/on-demand.js";
import { copiedSource } from "./copied-source.js";
import { completions, expansionLimit } from "./tex.js";

/** What a formula that is wider than the page is called, where it takes the focus so that it can be scrolled. */
const FORMULA = "Formula";

/** How many characters of code a character of TeX counts for in the work of a frame. */
const WORK_PER_CHARACTER = 8;

/** Characters up to which a growing formula is rendered in every frame; a longer one when it has grown by a quarter. */
const SHORT = 400;

/** The largest lengths that TeX may ask for, in em and in points. */
const MAX_SIZE = [20, 240];

const ELEMENTS = new Set(
  (
    "math semantics annotation mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle mpadded mphantom menclose " +
    "msub msup msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd"
  ).split(" "),
);

const ATTRIBUTES = new Set(
  (
    "accent accentunder class columnalign columnlines columnspacing columnspan depth display displaystyle encoding fence " +
    "form frame height largeop linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize " +
    "movablelimits notation rowlines rowspacing rowspan rspace scriptlevel separator stretchy style symmetric voffset width"
  ).split(" "),
);

/**
 * The part of the library that is used. `render` fills the element, or throws.
 *
 * @typedef {{render: (tex: string, element: HTMLElement, options: object) => void}} TexRenderer
 */

/** @type {OnDemand<TexRenderer>} */
const temml = new OnDemand(async () => {
  const address = (/** @type {string} */ path) => new URL(path, import.meta.url).href;
  await loadScript(address("../libraries/temml/temml.min.js"));
  await loadScript(address("../libraries/temml/mhchem.js"));
  await loadStyleSheet(address("../css/math.css"));
  await adoptStyleSheet(address("../libraries/temml/Temml-Local.css"));
  return /** @type {{temml: TexRenderer}} */ (/** @type {unknown} */ (globalThis)).temml;
});

/** Shows one formula. */
export class MathView {
  #source = "";
  #isClosed = false;
  /** How many characters of the source the MathML stands for. */
  #shown = 0;
  /** The length of the source at which it is rendered again. */
  #nextLength = 0;
  /** @type {Element | null} */
  #math = null;

  /** @param {boolean} isDisplay whether the formula stands in lines of its own */
  constructor(isDisplay, library = temml, queue = frames) {
    this.isDisplay = isDisplay;
    this.library = library;
    this.queue = queue;
    this.element = createElement("span", { className: isDisplay ? "math display" : "math", dir: "ltr" });
    this.rest = createElement("code");
    this.mark = isDisplay ? "$$" : "$";
  }

  /** @param {string} tex the next TeX; it is shown as it is until the next frame */
  append(tex) {
    this.#source += tex;
    if (this.rest.parentNode !== this.element) this.element.append(this.rest);
    appendText(this.rest, tex);
    this.#request();
  }

  /** End the formula. */
  close() {
    this.#isClosed = true;
    this.#request();
  }

  /** Show the source as text for good: it is no formula. */
  restore() {
    this.#isClosed = true;
    this.element.replaceChildren(this.#source);
    this.#source = "";
  }

  /**
   * Show the formula as far as it has come.
   *
   * @returns {number} how much work that was
   */
  render() {
    const source = this.#source;
    const renderer = this.library.value;
    if (!renderer || !source || (!this.#isClosed && source.length < this.#nextLength)) return 0;
    this.#nextLength = source.length < SHORT ? 0 : source.length * 1.25;
    const candidates = this.#isClosed ? [{ tex: source, length: source.length }] : completions(source);
    for (const { tex, length } of candidates) {
      const math = this.#makeMath(renderer, tex, source.slice(0, length));
      if (math) return this.#show(math, length, candidates.length);
    }
    return this.#show(this.#isClosed ? null : this.#math, this.#isClosed ? 0 : this.#shown, candidates.length);
  }

  async #request() {
    if (this.library.value ?? (await this.library.load())) this.queue.add(this);
  }

  /**
   * @param {Element | null} math
   * @param {number} length
   * @param {number} tries
   */
  #show(math, length, tries) {
    this.#math = math;
    this.#shown = length;
    this.rest.replaceChildren(this.#source.slice(length));
    this.element.replaceChildren(...(math ? [math] : []), ...(length < this.#source.length ? [this.rest] : []));
    if (this.#isClosed && math) {
      this.element.prepend(copiedSource(`${this.mark}${this.#source}${this.mark}`));
      if (this.isDisplay) watchWidth(this.element);
    }
    return this.#source.length * WORK_PER_CHARACTER * tries;
  }

  /**
   * Return the MathML of a formula; null if it is not valid.
   *
   * @param {TexRenderer} renderer
   * @param {string} tex
   * @param {string} source what it stands for, which is kept beside it
   */
  #makeMath(renderer, tex, source) {
    const maxExpand = expansionLimit(tex);
    if (!maxExpand) return null;
    const box = createElement("span");
    const options = { displayMode: this.isDisplay, annotate: true, throwOnError: true, maxExpand, maxSize: MAX_SIZE };
    try {
      renderer.render(tex, box, options);
    } catch {
      return null;
    }
    const [math] = box.children;
    if (box.children.length !== 1 || !keepMathMLOnly(math)) return null;
    const annotation = math.querySelector("annotation");
    if (annotation) annotation.textContent = source;
    return math;
  }
}

/**
 * Remove the attributes of a formula that are none of MathML's, and return whether all its elements are MathML's.
 *
 * @param {Element} math
 */
function keepMathMLOnly(math) {
  // The places of the numbers that LaTeX gives to equations: there is nothing to number them by.
  for (const number of math.querySelectorAll("span.tml-eqn")) number.remove();
  return [math, ...math.querySelectorAll("*")].every((element) => {
    for (const { name } of [...element.attributes]) if (!ATTRIBUTES.has(name)) element.removeAttribute(name);
    return ELEMENTS.has(element.localName);
  });
}

/** @type {ResizeObserver | null} */
let widths = null;

/**
 * Let a formula take the focus whenever it is wider than its place, so that the arrow keys scroll it.
 *
 * @param {HTMLElement} element
 */
function watchWidth(element) {
  widths ??= new ResizeObserver((entries) => entries.forEach(({ target }) => setFocusable(/** @type {HTMLElement} */ (target))));
  widths.observe(element);
}

/** @param {HTMLElement} element */
function setFocusable(element) {
  if (element.scrollWidth > element.clientWidth + 1) {
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", FORMULA);
  } else if (element.tabIndex === 0) {
    for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
  }
}
