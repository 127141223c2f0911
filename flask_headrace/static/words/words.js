/**
 * The words that the page shows, in the reader's language.
 *
 * Each language has one file, `<language>.json`, in which a key stands for a text. The server writes the words of the reader's
 * language into the page, which hands them to `setWords` before anything else. Pure.
 */

/**
 * A text, with `{name}` where a value stands; or the texts for the numbers of a language, by the plural category of the value
 * `count`: `{"one": "{count} answer", "other": "{count} answers"}`.
 * @typedef {string | Record<string, string>} Word
 */

/** @type {Record<string, Word>} */
let words = {};
let language = "en";

/**
 * Use these words from here on.
 *
 * @param {Record<string, Word>} dictionary
 * @param {string} [newLanguage] a language tag such as "de": how numbers, dates and lists are written
 */
export function setWords(dictionary, newLanguage = "en") {
  words = dictionary;
  language = newLanguage;
}

/**
 * Return the text of a key; the key itself where no words have it.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values] what stands in place of `{name}`; a number is written as the language does
 */
export function translate(key, values = {}) {
  const word = Object.hasOwn(words, key) ? words[key] : key;
  const text = typeof word === "string" ? word : pluralText(word, values.count);
  return text.replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(values, name) ? written(values[name]) : place));
}

/** The language of the words: a language tag such as "de". */
export function currentLanguage() {
  return language;
}

/** @type {(word: Record<string, string>, count: unknown) => string} */
function pluralText(word, count) {
  const category = new Intl.PluralRules(language).select(Number(count));
  return word[category] ?? word.other ?? "";
}

/** @param {string | number} value */
function written(value) {
  return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : value;
}
