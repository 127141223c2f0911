/**
 * What a JSON Schema says of a value before it is there: its name, its members and its items.
 *
 * Reads what tells a form's looks, and holds nothing to the schema: that is the server's. Where alternatives leave it open
 * what comes, it says nothing beforehand, and finds a member in any of them once it is there.
 */

/** Members that are worth naming before they come. */
export const MOST_MEMBERS = 24;

/** A schema, or the part of one that is about one value. */
export class Shape {
  #root;
  #parts;

  /** `schema` may be anything; what is no schema says nothing. `root` is where its references begin. */
  constructor(schema, root = schema) {
    this.#root = root;
    this.#parts = partsOf(schema, root);
  }

  /** What it is to be called, or "". */
  get title() {
    return this.#word("title");
  }

  /** What it is about, or "". */
  get description() {
    return this.#word("description");
  }

  /** Whether it is one of a few values. */
  get isChoice() {
    return this.#parts.some(({ schema }) => Array.isArray(schema.enum));
  }

  /** The keys of the members that will come, in the schema's order. */
  get keys() {
    const named = this.#parts.filter(({ schema, isCertain }) => isCertain && isObject(schema.properties));
    return [...new Set(named.flatMap(({ schema }) => Object.keys(schema.properties)))].slice(0, MOST_MEMBERS);
  }

  /** The shape of a member. */
  member(key) {
    const named = this.#parts.find(({ schema }) => isObject(schema.properties) && Object.hasOwn(schema.properties, key));
    const others = this.#parts.find(({ schema }) => isObject(schema.additionalProperties));
    return new Shape(named ? named.schema.properties[key] : others?.schema.additionalProperties, this.#root);
  }

  /** The shape of an item. */
  item(index) {
    const placed = this.#parts.find(({ schema }) => listOf(schema.prefixItems).length > index);
    const others = this.#parts.find(({ schema }) => isObject(schema.items));
    return new Shape(placed ? placed.schema.prefixItems[index] : others?.schema.items, this.#root);
  }

  #word(name) {
    return this.#parts.map(({ schema }) => schema[name]).find((word) => typeof word === "string" && word) ?? "";
  }
}

/** How the member `key` of this shape is called on a form. */
export function labelOf(shape, key) {
  return shape.title || wordsOf(key);
}

/** Say a key in words: `prep_minutes` and `prepMinutes` are "Prep minutes". */
function wordsOf(key) {
  const words = key
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .split(/[\s_-]+/u)
    .filter(Boolean)
    .map((word) => (/^\p{Lu}\p{Ll}/u.test(word) ? word.toLowerCase() : word))
    .join(" ");
  const [first = ""] = words;
  return first ? first.toUpperCase() + words.slice(first.length) : key;
}

/** A schema and all that it draws in for the same value, each once: a schema may refer to itself. */
function partsOf(schema, root) {
  const parts = [];
  const seen = new Set();
  const left = [{ schema, isCertain: true }];
  for (const part of left) {
    if (!isObject(part.schema) || seen.has(part.schema)) continue;
    seen.add(part.schema);
    parts.push(part);
    const { $ref, allOf, anyOf, oneOf } = part.schema;
    if (typeof $ref === "string") left.push({ ...part, schema: pointed(root, $ref) });
    left.push(...listOf(allOf).map((schema) => ({ ...part, schema })));
    left.push(...alternatives(anyOf, part), ...alternatives(oneOf, part));
  }
  return parts;
}

function alternatives(schemas, { isCertain }) {
  const others = listOf(schemas).filter((schema) => schema?.type !== "null");
  return others.map((schema) => ({ schema, isCertain: isCertain && others.length === 1 }));
}

/** What a reference inside of the schema points to; undefined for all others. */
function pointed(root, reference) {
  if (!/^#(?:\/|$)/.test(reference)) return undefined;
  let place = root;
  for (const step of reference.split("/").slice(1)) {
    const key = decoded(step).replaceAll("~1", "/").replaceAll("~0", "~");
    place = typeof place === "object" && place !== null && Object.hasOwn(place, key) ? place[key] : undefined;
  }
  return place;
}

function decoded(step) {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value) {
  return Array.isArray(value) ? value : [];
}
