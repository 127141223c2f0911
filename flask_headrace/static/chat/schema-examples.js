/**
 * Schemas to begin with. Their strings and lists are bounded, so that a small model comes to an end.
 */

const text = (maxLength, more = {}) => ({ type: "string", maxLength, ...more });
const list = (items, maxItems, more = {}) => ({ type: "array", minItems: 1, maxItems, items, ...more });
const whole = (properties, more = {}) => ({
  type: "object",
  ...more,
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

/** By the names that the page has for them. */
export const EXAMPLES = {
  recipe: whole(
    {
      dish: text(60),
      minutes: { type: "integer", description: "From the first step to the table", minimum: 1, maximum: 600 },
      difficulty: { enum: ["easy", "medium", "hard"] },
      vegetarian: { type: "boolean" },
      ingredients: list(text(60), 6),
      steps: list(text(140), 4),
    },
    { title: "Recipe" },
  ),
  places: whole(
    {
      region: text(40),
      places: list(whole({ name: text(40), country: text(30), why: text(140, { title: "Why go there" }) }), 3),
    },
    { title: "Places" },
  ),
  person: whole(
    {
      name: text(40),
      born: { type: "integer", minimum: 0, maximum: 2100 },
      lived: whole({ city: text(40), country: text(30) }, { title: "Lived in" }),
      known_for: list(text(80), 3),
      summary: text(240),
    },
    { title: "Person" },
  ),
};
