/**
 * The API key of a service that requires one.
 *
 * Knows one form, and stores the entered key for as long as the tab is open. The server decides whether a key is
 * required; an application with a login of its own has no such form.
 */

import { createElement, findElement } from "../dom/elements.js";
import { cleanKey, unsendableCharacters } from "./key-text.js";

/** @import { JSONStorage } from "./storage.js" */

const WANTED = "Questions can be sent once a key is entered here.";
const REFUSED = "The service does not accept the key that was entered.";
/** @type {(characters: string) => string} */
const unsendable = (characters) => `A key cannot have these characters: ${characters} Copy the key again, or type it.`;

/** Asks the reader for an API key, and keeps the key. */
export class ApiKey {
  /**
   * @param {HTMLFormElement | null} form where the key is entered; null where the application has a login in place of keys
   * @param {JSONStorage} storage
   * @param {() => void} onEnter called after a key was entered
   */
  constructor(form, storage, onEnter) {
    this.form = form;
    this.storage = storage;
    this.field = form && findElement(form, "input", HTMLInputElement);
    // What the form says is read out, where the focus does not go to the form.
    this.note = form && createElement("p", { className: "says", id: "key-says", hidden: true });
    this.note?.setAttribute("role", "alert");
    this.field?.setAttribute("aria-describedby", "key-says");
    if (this.note) form?.append(this.note);
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#enter(cleanKey(this.field?.value ?? ""))) onEnter();
    });
  }

  /** The key; "" where none was entered. */
  get key() {
    const stored = this.storage.read("key");
    const key = typeof stored === "string" ? cleanKey(stored) : "";
    return unsendableCharacters(key) ? "" : key;
  }

  /**
   * The headers that carry the key; none where no key was entered.
   *
   * @returns {Record<string, string>}
   */
  get headers() {
    const { key } = this;
    return key ? { Authorization: `Bearer ${key}` } : {};
  }

  /**
   * Show the form, if there is one, because the server refused a request for lack of a valid key. The focus goes to its field,
   * unless the reader is busy elsewhere.
   */
  request() {
    if (!this.form || !this.field) return;
    const isNew = this.form.hidden;
    this.form.hidden = false;
    if (document.activeElement === this.field) return;
    const isBusy = isReaderBusy(document.activeElement);
    if (!isBusy) this.field.focus();
    if (isNew) this.#say(this.key ? REFUSED : isBusy ? WANTED : "");
  }

  /** @type {(key: string) => boolean} Keep a key, and return whether it can be sent. */
  #enter(key) {
    if (!this.form || !this.field || !key) return false;
    const characters = unsendableCharacters(key);
    this.field.setAttribute("aria-invalid", String(Boolean(characters)));
    this.#say(characters && unsendable(characters));
    if (characters) return false;
    this.storage.write("key", key);
    this.field.value = "";
    this.form.hidden = true;
    return true;
  }

  /** @param {string} text "" for nothing */
  #say(text) {
    if (!this.note) return;
    this.note.hidden = !text;
    this.note.textContent = text;
  }
}

/** @type {(focused: Element | null) => boolean} Return whether the reader is writing, or uses something on the page. */
function isReaderBusy(focused) {
  if (!focused || focused === document.body) return false;
  return !(focused instanceof HTMLTextAreaElement && !focused.value);
}
