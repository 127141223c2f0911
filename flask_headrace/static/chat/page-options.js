/**
 * What the application sets about the page: see `ChatPage` of the Python package.
 *
 * Knows the attribute `data-page` of the body and no other part of the document.
 */

/**
 * @typedef {object} PageOptions
 * @property {string} title the name at the top of the page
 * @property {string | null} logo the address of the picture beside the title; null for the page's own
 * @property {string | null} icon the address of the page's icon; null for its own
 * @property {string | null} greeting the heading of an empty conversation; null for the page's own
 * @property {string | null} introduction the sentence below the greeting; null for the page's own
 * @property {string[] | null} examples the questions that an empty conversation offers; null for the page's own
 * @property {Record<Feature, boolean>} features what the page shows
 * @property {string | null} stylesheet the address of the application's style sheet, which the document loads
 * @property {string | null} language the language of the page's words; null for that of the browser
 */

/** @typedef {"attachments" | "conversations" | "export" | "models" | "settings" | "structured"} Feature */

/** @type {PageOptions} */
const DEFAULTS = {
  title: "Headrace",
  logo: null,
  icon: null,
  greeting: null,
  introduction: null,
  examples: null,
  features: { attachments: true, conversations: true, export: true, models: true, settings: true, structured: true },
  stylesheet: null,
  language: null,
};

/**
 * Return what the application sets about the page; the defaults for a document that says nothing of it.
 *
 * @param {HTMLElement} body the document's body
 * @returns {PageOptions}
 */
export function readPageOptions(body) {
  /** @type {Partial<PageOptions>} */
  const set = JSON.parse(body.dataset.page ?? "{}");
  return { ...DEFAULTS, ...set, features: { ...DEFAULTS.features, ...set.features } };
}
