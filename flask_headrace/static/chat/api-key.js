/**
 * The key of a service that wants one.
 *
 * Knows one form, and keeps what was entered for as long as the tab is open. Whether a key is wanted is told by the server.
 */

export class Key {
  /** `given` is called after a key was entered. */
  constructor(form, storage, given) {
    Object.assign(this, { form, storage });
    this.field = form.querySelector("input");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.field.value.trim();
      if (!key) return;
      storage.write("key", key);
      this.field.value = "";
      form.hidden = true;
      given();
    });
  }

  /** The headers that show the key; none where none was entered. */
  get headers() {
    const key = this.storage.read("key");
    return key ? { Authorization: `Bearer ${key}` } : {};
  }

  /** Ask for a key, where a request was refused for want of the right one. */
  ask() {
    this.form.hidden = false;
    this.field.focus();
  }
}
