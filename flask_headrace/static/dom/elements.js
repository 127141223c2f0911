/**
 * Making elements of the page, without HTML text: nothing that a model writes is ever parsed as HTML.
 */

/**
 * Return a new element with these properties.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name the tag's name
 * @param {Partial<HTMLElementTagNameMap[Name]>} [properties] properties of the element, such as `className`
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function createElement(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

/**
 * Return the elements inside `root` that have the attribute `data-part`, by the attribute's value.
 *
 * @param {Element} root
 * @returns {Record<string, HTMLElement>}
 */
export function findParts(root) {
  const parts = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-part]"));
  return Object.fromEntries([...parts].map((part) => [part.dataset.part ?? "", part]));
}

/**
 * Return the one element that a selector finds inside `root`.
 *
 * @template {typeof Element} Type
 * @param {ParentNode} root
 * @param {string} selector
 * @param {Type} type the element's class, such as HTMLInputElement
 * @returns {InstanceType<Type>}
 * @throws {TypeError} there is no such element, or it is of another class: the template does not fit this script
 */
export function findElement(root, selector, type) {
  const found = root.querySelector(selector);
  if (found instanceof type) return /** @type {InstanceType<Type>} */ (found);
  const missing = `the page has no ${type.name} at ${JSON.stringify(selector)}`;
  throw new TypeError(`${missing}: its template and its scripts are of different versions. Load it again without the cache`);
}
