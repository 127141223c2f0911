/**
 * Runs of `*`, `_` and `~`: which of them open emphasis, which close it, and which emphasis.
 *
 * Knows the rules of CommonMark 6.2, with two deviations for what models write (each has a comment below). Does not know
 * where in a text a run was found.
 */

/** @import { Span, Spans } from "./spans.js" */

const PUNCTUATION = /[!-/:-@[-`{-~\u2010-\u2027\u3000-\u303f\uff00-\uff0f\uff1a-\uff20]/;

/**
 * Apply a run of marks to the open spans.
 *
 * @param {Spans} spans
 * @param {string} run one to 63 of the same mark
 * @param {string} next the character after the run; "" at the end of the block
 */
export function applyEmphasis(spans, run, next) {
  const mark = run[0];
  const { canOpen, canClose } = flanking(mark, spans.previousCharacter, next, run.length);
  if (mark === "~" && run.length !== 2) return void spans.text(run);
  let left = run.length;
  const findOpener = () => openerOf(spans, mark, left, run.length, canOpen);
  for (let span = canClose ? findOpener() : null; span; ) {
    left -= span.literal.length;
    spans.close(span);
    span = left ? findOpener() : null;
  }
  if (left && canOpen && left <= 3 && spans.hasRoom(2)) {
    if (mark === "~") spans.push("strike", run);
    if (mark !== "~" && left !== 2) spans.push("emphasis", mark, { runLength: left });
    if (mark !== "~" && left !== 1) spans.push("strong", mark + mark, { runLength: left });
  } else if (left) {
    spans.text(mark.repeat(left));
  }
  spans.lastCharacter = mark;
}

/**
 * Return the innermost open span that a run may close.
 *
 * @param {Spans} spans
 * @param {string} mark
 * @param {number} left marks of the run that have closed nothing yet
 * @param {number} length marks of the whole run
 * @param {boolean} canOpen whether the run may open emphasis as well
 * @returns {Span | null}
 */
function openerOf(spans, mark, left, length, canOpen) {
  for (const span of spans.open.toReversed()) {
    // What may yet become a link is one unit: a run inside it closes nothing around it.
    if (span.kind === "link" && !span.isInactive) return null;
    const { runLength = NaN } = span;
    const isForbiddenSum = canOpen && runLength !== length && (runLength + length) % 3 === 0;
    if (span.literal[0] === mark && span.literal.length <= left && !isForbiddenSum) return span;
  }
  return null;
}

/**
 * Return whether a run can open and can close emphasis, from the characters on its sides (CommonMark: left- and
 * right-flanking).
 *
 * @param {string} mark
 * @param {string} previous the character before the run; "" at the start of the block
 * @param {string} next the character after the run; "" at the end of the block
 * @param {number} length
 */
function flanking(mark, previous, next, length) {
  const [isSpaceBefore, isSpaceAfter] = [previous, next].map((side) => !side || /\s/.test(side));
  const [isMarkBefore, isMarkAfter] = [previous, next].map((side) => PUNCTUATION.test(side));
  // Deviation: scripts without blanks put letters where Latin has blanks, so a letter beyond ASCII never forbids.
  const isForeign = (/** @type {string} */ side) => side > "\u007f" && !PUNCTUATION.test(side);
  const isLeft = !isSpaceAfter && (!isMarkAfter || isSpaceBefore || isMarkBefore || isForeign(previous));
  const isRight = !isSpaceBefore && (!isMarkBefore || isSpaceAfter || isMarkAfter || isForeign(next));
  if (mark === "_") return { canOpen: isLeft && (!isRight || isMarkBefore), canClose: isRight && (!isLeft || isMarkAfter) };
  // Deviation: "5*3*2" is a product far more often than it is emphasis.
  const isProduct = mark === "*" && length === 1 && /\w/.test(previous) && /\w/.test(next);
  return { canOpen: isLeft && !isProduct, canClose: isRight };
}
