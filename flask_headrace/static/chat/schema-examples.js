/**
 * JSON Schemas to begin with. Their strings and lists are bounded, so that a small model comes to an end.
 */

/** @type {(maxLength: number, more?: object) => object} */
const string = (maxLength, more = {}) => ({ type: "string", maxLength, ...more });

/** @type {(items: object, maxItems: number, more?: object) => object} */
const array = (items, maxItems, more = {}) => ({ type: "array", minItems: 1, maxItems, items, ...more });

/** @type {(properties: object, more?: object) => object} An object that has all of these properties and no others. */
const object = (properties, more = {}) => ({
  type: "object",
  ...more,
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** @type {{[name: string]: object}} The schemas by the names that the page has for them. */
export const SCHEMA_EXAMPLES = {
  recipe: object(
    {
      dish: string(60),
      minutes: { type: "integer", description: "From the first step to the table", minimum: 1, maximum: 600 },
      difficulty: { enum: ["easy", "medium", "hard"] },
      vegetarian: { type: "boolean" },
      ingredients: array(string(60), 6),
      steps: array(string(140), 4),
    },
    { title: "Recipe" },
  ),
  places: object(
    {
      region: string(40),
      places: array(object({ name: string(40), country: string(30), why: string(140, { title: "Why go there" }) }), 3),
    },
    { title: "Places" },
  ),
  person: object(
    {
      name: string(40),
      born: { type: "integer", minimum: 0, maximum: 2100 },
      lived: object({ city: string(40), country: string(30) }, { title: "Lived in" }),
      known_for: array(string(80), 3),
      summary: string(240),
    },
    { title: "Person" },
  ),
};
