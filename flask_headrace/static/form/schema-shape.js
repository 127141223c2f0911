/**
 * The shape that a JSON Schema gives a value before the value is there: its title, its members and its items.
 *
 * Reads the keywords that matter to the looks of a form, and validates nothing: the server does. Where alternatives leave
 * open which members come, it announces none, and finds a member in any alternative once the member is there.
 */

/** Most members that a form shows before they come. */
const MAX_MEMBERS = 24;

/** @typedef {{[keyword: string]: unknown}} SchemaObject */

/** A schema for one value. `isCertain` is whether it applies to every value. */
/** @typedef {{schema: SchemaObject, isCertain: boolean}} Applicable */

/** A schema, or the part of one that describes one value. */
export class SchemaShape {
  #root;
  #applicable;

  /**
   * @param {unknown} schema a value that is no schema gives no shape
   * @param {unknown} [root] the whole document, in which references are resolved
   */
  constructor(schema, root = schema) {
    this.#root = root;
    this.#applicable = applicableSchemas(schema, root);
  }

  /** The value's name, or "". */
  get title() {
    return this.#string("title");
  }

  /** What the value is about, or "". */
  get description() {
    return this.#string("description");
  }

  /** Whether the value is one of a few that the schema lists. */
  get isChoice() {
    return this.#applicable.some(({ schema }) => Array.isArray(schema.enum));
  }

  /** The keys of the members that are certain to be allowed, in the schema's order, MAX_MEMBERS at most. */
  get keys() {
    const keys = this.#applicable.flatMap(({ schema: { properties }, isCertain }) =>
      isCertain && isObject(properties) ? Object.keys(properties) : [],
    );
    return [...new Set(keys)].slice(0, MAX_MEMBERS);
  }

  /**
   * Return the shape of the value's member `key`.
   *
   * @param {string} key
   */
  member(key) {
    for (const { schema: { properties } } of this.#applicable) {
      if (isObject(properties) && Object.hasOwn(properties, key)) return new SchemaShape(properties[key], this.#root);
    }
    const others = this.#applicable.find(({ schema }) => isObject(schema.additionalProperties));
    return new SchemaShape(others?.schema.additionalProperties, this.#root);
  }

  /**
   * Return the shape of the value's item at `index`.
   *
   * @param {number} index
   */
  item(index) {
    for (const { schema } of this.#applicable) {
      const placed = asArray(schema.prefixItems);
      if (placed.length > index) return new SchemaShape(placed[index], this.#root);
    }
    const others = this.#applicable.find(({ schema }) => isObject(schema.items));
    return new SchemaShape(others?.schema.items, this.#root);
  }

  /**
   * Return the first string that a keyword has in the applicable schemas, or "".
   *
   * @param {string} keyword
   */
  #string(keyword) {
    for (const { schema } of this.#applicable) {
      const value = schema[keyword];
      if (typeof value === "string" && value) return value;
    }
    return "";
  }
}

/**
 * Return the label of a member on a form: the schema's title, or its key in words.
 *
 * @param {SchemaShape} shape the member's shape
 * @param {string} key
 */
export function memberLabel(shape, key) {
  return shape.title || humanize(key);
}

/**
 * Return a key in words: `prep_minutes` and `prepMinutes` are "Prep minutes".
 *
 * @param {string} key
 */
function humanize(key) {
  const words = key
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .split(/[\s_-]+/u)
    .filter(Boolean)
    .map((word) => (/^\p{Lu}\p{Ll}/u.test(word) ? word.toLowerCase() : word))
    .join(" ");
  const [first = ""] = words;
  return first ? first.toUpperCase() + words.slice(first.length) : key;
}

/**
 * Return a schema and all schemas that it applies to the same value. Each stands there once: a schema may refer to itself.
 *
 * @param {unknown} schema
 * @param {unknown} root
 */
function applicableSchemas(schema, root) {
  /** @type {Applicable[]} */
  const found = [];
  const seen = new Set();
  const queue = [{ schema, isCertain: true }];
  for (const { schema: candidate, isCertain } of queue) {
    if (!isObject(candidate) || seen.has(candidate)) continue;
    seen.add(candidate);
    found.push({ schema: candidate, isCertain });
    const { $ref, allOf, anyOf, oneOf } = candidate;
    if (typeof $ref === "string") queue.push({ schema: resolveReference(root, $ref), isCertain });
    queue.push(...asArray(allOf).map((part) => ({ schema: part, isCertain })));
    queue.push(...alternatives(anyOf, isCertain), ...alternatives(oneOf, isCertain));
  }
  return found;
}

/**
 * Return the alternatives of an `anyOf` or `oneOf`, apart from null. A single one applies for certain.
 *
 * @param {unknown} schemas
 * @param {boolean} isCertain whether the schema with the keyword applies for certain
 */
function alternatives(schemas, isCertain) {
  const others = asArray(schemas).filter((schema) => !(isObject(schema) && schema.type === "null"));
  return others.map((schema) => ({ schema, isCertain: isCertain && others.length === 1 }));
}

/**
 * Return what a reference inside of the document points to; undefined for any other reference.
 *
 * @param {unknown} root
 * @param {string} reference
 */
function resolveReference(root, reference) {
  if (!/^#(?:\/|$)/.test(reference)) return undefined;
  let place = root;
  for (const step of reference.split("/").slice(1)) {
    const key = decodePercent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    const holder = /** @type {SchemaObject} */ (place);
    place = typeof place === "object" && place !== null && Object.hasOwn(place, key) ? holder[key] : undefined;
  }
  return place;
}

/**
 * Return a step of a reference with its percent-encoding decoded; as it is, where the encoding is invalid.
 *
 * @param {string} step
 */
function decodePercent(step) {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/**
 * @param {unknown} value
 * @returns {value is SchemaObject}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} value
 * @returns {unknown[]}
 */
function asArray(value) {
  return Array.isArray(value) ? value : [];
}
