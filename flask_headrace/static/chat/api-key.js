/**
 * The API key of a service that requires one.
 *
 * Knows one form, and stores the entered key for as long as the tab is open. The server decides whether a key is
 * required; an application with a login of its own has no such form.
 */

import { findElement } from "../dom/elements.js";

/** @import { JSONStorage } from "./storage.js" */

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
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.field?.value.trim();
      if (!this.field || !key) return;
      storage.write("key", key);
      this.field.value = "";
      form.hidden = true;
      onEnter();
    });
  }

  /**
   * The headers that carry the key; none where no key was entered.
   *
   * @returns {Record<string, string>}
   */
  get headers() {
    const key = this.storage.read("key");
    return key ? { Authorization: `Bearer ${key}` } : {};
  }

  /** Show the form, if there is one, because the server refused a request for lack of a valid key. */
  request() {
    if (!this.form || !this.field) return;
    this.form.hidden = false;
    this.field.focus();
  }
}
