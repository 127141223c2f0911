/**
 * What an answer consists of: its parts, in the order in which they came.
 *
 * A part is `{type, text}`: a run of `text` or of `reasoning`, as long as nothing else comes; or a `call` of a tool, which
 * also has its number in the answer as `call`, its `name`, `isWhole` once it is complete, and its arguments as text. A piece
 * of one looks the same; a call's name is in its first piece alone. Knows no DOM.
 */

/** Put `piece` at the end of `parts`: into the part that it belongs to, or as the next one. No text begins none. */
export function grow(parts, piece) {
  if (piece.type !== "call" && piece.text === "") return;
  const part = openPart(parts, piece);
  if (!part) return void parts.push({ ...piece });
  part.text += piece.text;
  if (piece.isWhole) part.isWhole = true;
}

/** Return the call of this number, if it is among the parts. */
export function callOf(parts, number) {
  return parts.findLast(({ type, call }) => type === "call" && call === number);
}

/** Tell whether there is something of the answer itself, and not thoughts alone. */
export function isBegun(parts) {
  return parts.some(({ type }) => type !== "reasoning");
}

/** Return the text alone; where something else came in between, a paragraph begins. */
export function textOf(parts) {
  const [first = "", ...rest] = runsOf(parts).filter((run) => run.trim());
  return rest.reduce((before, run) => `${before.trimEnd()}\n\n${run.trimStart()}`, first);
}

/** Return the text of an answer that is one document: what came in between has not cut it. */
export function documentOf(parts) {
  return runsOf(parts).join("");
}

function runsOf(parts) {
  return parts.filter(({ type }) => type === "text").map(({ text }) => text);
}

function openPart(parts, { type, call, name }) {
  if (type === "call") return name ? undefined : callOf(parts, call);
  const last = parts.at(-1);
  return last?.type === type ? last : undefined;
}
