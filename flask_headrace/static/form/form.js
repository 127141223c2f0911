/**
 * A form on the page that fills in: the operations of fields.js, applied.
 *
 * What the schema names stands there from the beginning, empty; each field is filled in its place, and the rest comes after.
 * Makes every element with createElement and fills it with text nodes, so nothing that a model writes is ever read as HTML.
 */

import { appendText } from "./growing-text.js";

const LISTS = { object: "dl", array: "ul" };

export class Form {
  /** Fill `root`, which is emptied. */
  constructor(root) {
    root.replaceChildren();
    this.root = root;
    this.open_ = [];
  }

  /** Show what is to come: the form's name and its fields, empty. */
  expect({ label, description, members }) {
    this.root.setAttribute("aria-label", label || "Structured answer");
    if (label) this.root.append(element("h3", { textContent: label }));
    if (description) this.root.append(element("p", { textContent: description, className: "about" }));
    this.body = element("div", { className: "value" });
    this.root.append(this.body);
    if (members.length) this.body.append(list("object", members));
  }

  open(kind, field) {
    const place = this.#placeOf(field);
    const node = { kind, place, inner: place };
    this.open_.push(node);
    Object.assign(place.dataset, { kind, growing: "" });
    place.classList.toggle("choice", kind === "string" && field.isChoice);
    const expected = place.querySelector(":scope > dl");
    if (kind === "object" && expected) node.inner = expected;
    else place.replaceChildren();
    if (LISTS[kind] && node.inner === place) place.append((node.inner = list(kind, field.members)));
    if (kind === "object") node.slots = new Map([...node.inner.children].map((slot) => [slot.dataset.key, slot]));
  }

  text(piece) {
    appendText(this.open_.at(-1).inner, piece);
  }

  close(isCut) {
    const { place } = this.open_.pop();
    delete place.dataset.growing;
    if (isCut) place.dataset.cut = "";
  }

  #placeOf(field) {
    const holder = this.open_.at(-1);
    if (!holder) return this.body;
    if (holder.kind === "array") {
      const item = element("li");
      holder.inner.append(item);
      return item;
    }
    return this.#slotOf(holder, field);
  }

  #slotOf({ inner, slots }, field) {
    const slot = slots.get(field.key) ?? slotFor(field);
    const place = slot.lastElementChild;
    if (!slot.isConnected) inner.append(slot);
    // The last one of two members with one key counts.
    if (!("empty" in slot.dataset)) place.replaceChildren();
    delete slot.dataset.empty;
    slot.removeAttribute("aria-hidden");
    slots.set(field.key, slot);
    return place;
  }
}

function list(kind, members) {
  const inner = element(LISTS[kind]);
  // Without a marker some browsers take a list for none.
  if (kind === "array") inner.setAttribute("role", "list");
  else inner.append(...members.map(slotFor));
  return inner;
}

/** An empty field. Nobody is told of it before it is filled. */
function slotFor({ key, label, description }) {
  const slot = element("div", { className: "field" });
  const value = element("dd");
  Object.assign(slot.dataset, { key, empty: "" });
  slot.setAttribute("aria-hidden", "true");
  if (description) value.dataset.hint = description;
  slot.append(element("dt", { textContent: label }), value);
  return slot;
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
