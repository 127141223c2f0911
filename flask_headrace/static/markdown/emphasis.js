/**
 * Runs of `*`, `_` and `~`: which of them open, which close, and what.
 *
 * Knows the rules of CommonMark 6.2, bent in two places for what models write (both say so below). Knows nothing of where
 * a run was found.
 */

const PUNCTUATION = /[!-/:-@[-`{-~\u2010-\u2027\u3000-\u303f\uff00-\uff0f\uff1a-\uff20]/;

/** Apply a run of marks, followed by the character `next` ("" at the end of the block), to the open spans. */
export function emphasize(spans, run, next) {
  const mark = run[0];
  const { opens, closes } = flanks(mark, spans.before, next, run.length);
  if (mark === "~" && run.length !== 2) return void spans.text(run);
  let left = run.length;
  for (let span = closes && openerOf(spans, mark, left, run.length, opens); span; ) {
    left -= span.literal.length;
    spans.close(span);
    span = left && openerOf(spans, mark, left, run.length, opens);
  }
  if (left && opens && left <= 3 && spans.has(2)) {
    if (mark === "~") spans.push("strike", run);
    if (mark !== "~" && left !== 2) spans.push("emphasis", mark, { marks: left });
    if (mark !== "~" && left !== 1) spans.push("strong", mark + mark, { marks: left });
  } else if (left) {
    spans.text(mark.repeat(left));
  }
  spans.last = mark;
}

function openerOf(spans, mark, left, length, opens) {
  for (const span of spans.open.toReversed()) {
    // What may yet be a link is one whole: nothing around it is closed from inside.
    if (span.kind === "link" && !span.dead) return null;
    const oddSum = opens && span.marks !== length && (span.marks + length) % 3 === 0;
    if (span.literal[0] === mark && span.literal.length <= left && !oddSum) return span;
  }
  return null;
}

function flanks(mark, previous, next, length) {
  const [spaceBefore, spaceAfter] = [previous, next].map((side) => !side || /\s/.test(side));
  const [markBefore, markAfter] = [previous, next].map((side) => PUNCTUATION.test(side));
  // Bent: scripts without blanks put letters where Latin has blanks, so a letter beyond ASCII never forbids.
  const far = (side) => side > "\u007f" && !PUNCTUATION.test(side);
  const left = !spaceAfter && (!markAfter || spaceBefore || markBefore || far(previous));
  const right = !spaceBefore && (!markBefore || spaceAfter || markAfter || far(next));
  if (mark === "_") return { opens: left && (!right || markBefore), closes: right && (!left || markAfter) };
  // Bent: "5*3*2" is a product far more often than it is emphasis.
  const product = mark === "*" && length === 1 && /\w/.test(previous) && /\w/.test(next);
  return { opens: left && !product, closes: right };
}
