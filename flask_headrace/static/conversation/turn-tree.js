/**
 * The turns of a conversation as a tree: a question that was edited, and an answer that was asked for again, are turns beside
 * the one before, so that nothing is lost. One path through the tree is shown and sent. Pure.
 */

/**
 * What of a turn its place in the tree is made of. `parent` is the id of the turn before it, "" for the first; `createdAt` and
 * `changedAt` are milliseconds since 1970.
 * @typedef {{id: string, parent: string, createdAt: number, changedAt: number}} Node
 */

/**
 * A tree: `selected` has for each turn the id of the one that is shown after it; `removed` has for each turn that was removed
 * the time at which it was, and for one that was brought back the time of that below zero.
 * @template {Node} Turn
 * @typedef {{turns: Turn[], selected: Record<string, string>, removed: Record<string, number>}} TurnTree
 */

/** The parent of the first turns. */
export const ROOT = "";

/**
 * Return the turns that are shown, oldest first.
 *
 * @template {Node} Turn
 * @param {TurnTree<Turn>} tree
 */
export function pathOf({ turns, selected }) {
  /** @type {Map<string, Turn[]>} */
  const children = new Map();
  for (const turn of turns) {
    const siblings = children.get(turn.parent);
    if (siblings) siblings.push(turn);
    else children.set(turn.parent, [turn]);
  }
  const path = [];
  for (let turn = shownOf(children.get(ROOT), selected[ROOT]); turn; turn = shownOf(children.get(turn.id), selected[turn.id])) {
    path.push(turn);
  }
  return path;
}

/**
 * Return the versions of a turn, the turn itself among them, oldest first.
 *
 * @template {Node} Turn
 * @param {TurnTree<Turn>} tree
 * @param {Turn} turn
 */
export function versionsOf({ turns }, turn) {
  return turns.filter(({ parent }) => parent === turn.parent);
}

/**
 * Add a turn after another one, and show it.
 *
 * @template {Node} Turn
 * @param {TurnTree<Turn>} tree changed in place
 * @param {Turn} turn
 */
export function addTurn(tree, turn) {
  tree.turns.push(turn);
  tree.selected[turn.parent] = turn.id;
}

/**
 * Remove a turn with its versions. What follows the turn stays, after the turn before it; what follows its other versions goes.
 *
 * @template {Node} Turn
 * @param {TurnTree<Turn>} tree changed in place
 * @param {Turn} turn
 * @param {number} now milliseconds since 1970
 * @returns {(now: number) => void} brings everything back, as it was; what was added since then stays
 */
export function removeTurn(tree, turn, now) {
  const before = tree.turns.map((turn) => ({ turn, parent: turn.parent }));
  const selected = { ...tree.selected };
  const versions = versionsOf(tree, turn);
  const shown = pathOf(tree);
  const next = shown[shown.indexOf(turn) + 1];
  for (const child of tree.turns.filter(({ parent }) => parent === turn.id)) move(child, turn.parent, now);
  const gone = withDescendants(tree, versions);
  for (const { id } of gone) tree.removed[id] = laterMark(tree, id, now);
  tree.turns = tree.turns.filter((turn) => !gone.has(turn));
  if (next) tree.selected[turn.parent] = next.id;
  return (now) => {
    for (const { turn, parent } of before) {
      if (tree.turns.includes(turn)) move(turn, parent, now);
      else tree.turns.push(Object.assign(turn, { parent, changedAt: Math.max(now, turn.changedAt + 1) }));
      if (tree.removed[turn.id] > 0) tree.removed[turn.id] = -laterMark(tree, turn.id, now);
    }
    Object.assign(tree.selected, selected);
    sortTurns(tree.turns);
  };
}

/**
 * Return two states of one tree as one, as two tabs may have left them: of each turn what changed last, and no turn that was
 * removed, also if its answer went on to come.
 *
 * @template {Node} Turn
 * @param {TurnTree<Turn>} older of what both have, such as `selected`, the other's is kept
 * @param {TurnTree<Turn>} newer
 * @returns {TurnTree<Turn>}
 */
export function mergeTrees(older, newer) {
  const byId = new Map(newer.turns.map((turn) => [turn.id, turn]));
  for (const turn of older.turns) {
    const other = byId.get(turn.id);
    if (!other || turn.changedAt > other.changedAt) byId.set(turn.id, turn);
  }
  const removed = { ...older.removed };
  for (const [id, at] of Object.entries(newer.removed)) if (Math.abs(at) >= Math.abs(removed[id] ?? 0)) removed[id] = at;
  const turns = [...byId.values()].filter(({ id }) => !(removed[id] > 0));
  return { turns: sortTurns(turns), selected: { ...older.selected, ...newer.selected }, removed };
}

/**
 * @template {Node} Turn
 * @param {Turn[] | undefined} siblings
 * @param {string | undefined} selected
 */
function shownOf(siblings, selected) {
  return siblings?.find(({ id }) => id === selected) ?? siblings?.at(-1);
}

/** @type {(tree: TurnTree<Node>, id: string, now: number) => number} Return a time after the turn was removed or brought back last. */
function laterMark({ removed }, id, now) {
  return Math.max(now, Math.abs(removed[id] ?? 0) + 1);
}

/** @type {(turn: Node, parent: string, now: number) => void} */
function move(turn, parent, now) {
  if (turn.parent !== parent) Object.assign(turn, { parent, changedAt: Math.max(now, turn.changedAt + 1) });
}

/**
 * @template {Node} Turn
 * @param {TurnTree<Turn>} tree
 * @param {Turn[]} turns
 */
function withDescendants({ turns: all }, turns) {
  const found = new Set(turns);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    const ids = new Set([...found].map(({ id }) => id));
    for (const turn of all) if (ids.has(turn.parent)) found.add(turn);
  }
  return found;
}

/**
 * @template {Node} Turn
 * @param {Turn[]} turns
 */
function sortTurns(turns) {
  return turns.sort((one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1));
}
