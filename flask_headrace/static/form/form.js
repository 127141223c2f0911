/**
 * A form on the page that fills in: applies the operations of fields.js to elements.
 *
 * The fields that the schema announces stand there from the beginning, empty, and each is filled in its place; other fields
 * come after them. Makes every element with createElement and fills it with text nodes, so nothing that a model writes is
 * ever parsed as HTML.
 */

import { appendText } from "../dom/append-text.js";
import { createElement } from "../dom/elements.js";

/** @import { Field, FieldKind } from "./fields.js" */

/**
 * An open field: `place` is its element, `inner` takes its content, and `slots` are an object's members by key.
 *
 * @typedef {{kind: FieldKind, place: HTMLElement, inner: Element, slots: Map<string | null, HTMLElement>}} OpenField
 */

/** Implements the FieldSink of fields.js. */
export class Form {
  /** @param {HTMLElement} root the element to fill; its content is removed */
  constructor(root) {
    root.replaceChildren();
    this.root = root;
    this.body = createElement("div", { className: "value" });
    /** @type {OpenField[]} */
    this.openFields = [];
  }

  /**
   * Show the form's name and its fields, empty.
   *
   * @param {Field} field
   */
  expect({ label, description, members }) {
    this.root.setAttribute("aria-label", label || "Structured answer");
    if (label) this.root.append(createElement("h3", { textContent: label }));
    if (description) this.root.append(createElement("p", { textContent: description, className: "about" }));
    this.root.append(this.body);
    if (members.length) this.body.append(createMemberList(members));
  }

  /**
   * Begin a field inside the innermost open one.
   *
   * @param {FieldKind} kind
   * @param {Field} field
   */
  open(kind, field) {
    const place = this.#placeFor(field);
    Object.assign(place.dataset, { kind, growing: "" });
    place.classList.toggle("choice", kind === "string" && field.isChoice);
    /** @type {OpenField} */
    const open = { kind, place, inner: place, slots: new Map() };
    const announced = place.querySelector(":scope > dl");
    if (kind === "object" && announced) {
      open.inner = announced;
    } else {
      place.replaceChildren();
      if (kind === "object") open.inner = createMemberList(field.members);
      if (kind === "array") open.inner = createItemList();
      if (open.inner !== place) place.append(open.inner);
    }
    if (kind === "object") {
      const slots = /** @type {Iterable<HTMLElement>} */ (open.inner.children);
      for (const slot of slots) open.slots.set(slot.dataset.key ?? null, slot);
    }
    this.openFields.push(open);
  }

  /**
   * Add to the innermost open field's text.
   *
   * @param {string} piece
   */
  text(piece) {
    const open = this.openFields.at(-1);
    if (open) appendText(open.inner, piece);
  }

  /**
   * End the innermost open field.
   *
   * @param {boolean} isCut whether its value is incomplete
   */
  close(isCut) {
    const open = this.openFields.pop();
    if (!open) return;
    delete open.place.dataset.growing;
    if (isCut) open.place.dataset.cut = "";
  }

  /**
   * Return the element for a field that opens.
   *
   * @param {Field} field
   * @returns {HTMLElement}
   */
  #placeFor(field) {
    const holder = this.openFields.at(-1);
    if (!holder) return this.body;
    if (holder.kind === "array") {
      const item = createElement("li");
      holder.inner.append(item);
      return item;
    }
    return this.#memberPlace(holder, field);
  }

  /**
   * Return the element for the value of an object's member.
   *
   * @param {OpenField} holder
   * @param {Field} field
   */
  #memberPlace({ inner, slots }, field) {
    const slot = slots.get(field.key) ?? createSlot(field);
    const place = /** @type {HTMLElement} */ (slot.lastElementChild);
    if (!slot.isConnected) inner.append(slot);
    // Of two members with the same key, the last one counts.
    if (!("empty" in slot.dataset)) place.replaceChildren();
    delete slot.dataset.empty;
    slot.removeAttribute("aria-hidden");
    slots.set(field.key, slot);
    return place;
  }
}

/** @param {readonly Field[]} members */
function createMemberList(members) {
  const list = createElement("dl");
  list.append(...members.map(createSlot));
  return list;
}

/** Return an empty list for the items of an array. */
function createItemList() {
  const list = createElement("ul");
  // Without markers, some browsers do not present a list as one.
  list.setAttribute("role", "list");
  return list;
}

/**
 * Return an empty member: its label, and the place for its value. Screen readers skip it until it is filled.
 *
 * @param {Field} field
 */
function createSlot({ key, label, description }) {
  const slot = createElement("div", { className: "field" });
  const value = createElement("dd");
  Object.assign(slot.dataset, { key, empty: "" });
  slot.setAttribute("aria-hidden", "true");
  if (description) value.dataset.hint = description;
  slot.append(createElement("dt", { textContent: label }), value);
  return slot;
}
