/**
 * The inside of a block as a tree, and the operations that make one tree of another.
 *
 * Knows trees of text and nodes. A tree extends another if operations that only add make it so: text and nodes at its end, and
 * inside its open nodes. Does not read Markdown.
 */

/** @import { MarkdownSink, NodeAttributes, NodeKind } from "./operations.js" */
/** @import { Item } from "./inline-items.js" */

/**
 * @typedef {object} Branch a node of a tree; see TreeNode in inline-items.js
 * @property {NodeKind} kind
 * @property {NodeAttributes[NodeKind]} attributes
 * @property {Tree} children
 * @property {boolean} isOpen
 * @property {{href: string, title: string} | undefined} late
 * @property {string | undefined} literal
 *
 * @typedef {(string | Branch)[]} Tree
 */

/**
 * Return items as a tree.
 *
 * @param {Item[]} items
 * @returns {Tree}
 */
export function treeOf(items) {
  /** @type {Tree} */
  const tree = [];
  for (const item of items) {
    if (item.type === "text") addText(tree, item.text);
    else if (item.type === "run") addText(tree, item.mark.repeat(item.left));
    else {
      const { kind, attributes, late, literal, isOpen = false } = item;
      tree.push({ kind, attributes, late, literal, isOpen, children: treeOf(item.children) });
    }
  }
  return tree;
}

/** @type {(tree: Tree, text: string) => void} */
function addText(tree, text) {
  const last = tree.length - 1;
  if (!text) return;
  if (typeof tree[last] === "string") tree[last] += text;
  else tree.push(text);
}

/**
 * Return whether a tree is another one with more at its end.
 *
 * @param {Tree} shown
 * @param {Tree} wanted
 * @returns {boolean}
 */
export function extendsTree(shown, wanted) {
  return shown.every((child, index) => {
    const other = wanted[index];
    const isLast = index === shown.length - 1;
    if (typeof child === "string") return typeof other === "string" && (child === other || (isLast && other.startsWith(child)));
    if (typeof other !== "object" || child.kind !== other.kind) return false;
    if (!child.isOpen) return isSame(child, other);
    return isLast && hasSameAttributes(child, other) && extendsTree(child.children, other.children);
  });
}

/** @type {(one: string | Branch, other: string | Branch) => boolean} */
function isSame(one, other) {
  if (typeof one === "string" || typeof other === "string") return one === other;
  if (one.kind !== other.kind || one.isOpen !== other.isOpen || !hasSameAttributes(one, other)) return false;
  if (one.late?.href !== other.late?.href || one.late?.title !== other.late?.title) return false;
  return one.children.length === other.children.length && one.children.every((child, index) => isSame(child, other.children[index]));
}

/** @type {(one: Branch, other: Branch) => boolean} */
function hasSameAttributes(one, other) {
  const display = (/** @type {Branch} */ { attributes }) => "display" in attributes && attributes.display;
  return display(one) === display(other);
}

/**
 * Make a tree into one that extends it. Returns true.
 *
 * @param {MarkdownSink} sink
 * @param {Tree} shown
 * @param {Tree} wanted
 */
export function extendTree(sink, shown, wanted) {
  const last = shown.length - 1;
  if (last >= 0) {
    const [child, other] = [shown[last], wanted[last]];
    if (typeof child === "string" && typeof other === "string") {
      if (other.length > child.length) sink.text(other.slice(child.length));
    } else if (typeof child === "object" && typeof other === "object" && child.isOpen) {
      extendTree(sink, child.children, other.children);
      close(sink, other);
    }
  }
  for (const child of wanted.slice(shown.length)) emit(sink, child);
  return true;
}

/** @type {(sink: MarkdownSink, child: string | Branch) => void} */
function emit(sink, child) {
  if (typeof child === "string") return sink.text(child);
  sink.open(child.kind, child.attributes);
  for (const inner of child.children) emit(sink, inner);
  close(sink, child);
}

/** @type {(sink: MarkdownSink, branch: Branch) => void} */
function close(sink, { isOpen, late }) {
  if (isOpen) return;
  if (late) sink.set(late);
  sink.close();
}

/**
 * Return the open nodes of a tree, outermost first.
 *
 * @param {Tree} tree
 * @returns {Branch[]}
 */
export function openNodesOf(tree) {
  const last = tree.at(-1);
  return typeof last === "object" && last.isOpen ? [last, ...openNodesOf(last.children)] : [];
}

/**
 * Return a tree without its innermost open node.
 *
 * @param {Tree} tree
 * @param {boolean} isUnwrapped whether the node's literal and its content take its place
 * @returns {Tree}
 */
export function withoutInnermost(tree, isUnwrapped) {
  const last = tree.at(-1);
  const before = tree.slice(0, -1);
  if (typeof last !== "object" || !last.isOpen) return tree;
  if (openNodesOf(last.children).length) return [...before, { ...last, children: withoutInnermost(last.children, isUnwrapped) }];
  if (!isUnwrapped) return before;
  addText(before, last.literal ?? "");
  for (const child of last.children) {
    if (typeof child === "string") addText(before, child);
    else before.push(child);
  }
  return before;
}
