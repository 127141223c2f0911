/** Texts put together of pieces of Markdown by chance, and texts cut by chance: the same for the same seed. */

/** Pieces that mean something to Markdown, alone or with others. */
const FRAGMENTS = [
  "*", "**", "***", "_", "__", "~~", "~", "`", "``", "[", "]", "](", ")", "![", "](http://a.b", ' "t"', "<", ">", "<b>", "</b>", "<http://c.d>",
  "<kbd>", "</kbd>", "<sub>", "</sub>", "<br>", "<details>", "</details>", "<summary>", "</summary>", "\\", "\\(", "\\)", "\\[", "\\]", "$", "$$", "&amp;", "&am",
  "&#9;", "|", " | ", "|-|", "| - | - |", ":-:", "\n", "\n", "\n\n", "\n\n", "\n- ", "\n1. ", "\n2) ", "\n> ", ">", "\n# ", " ##", "\n===", "\n---", "\n***", "\n```",
  "\n~~~", "\n    ", "\n  ", "\t", " ", "  ", "    ", "[x] ", "[ ] ", "[1]", "[a][1]", "[a]", "[]", "\n[1]: http://e.f", "\n\n[a]: <g h> 'i'\n", ": ", "!", ".", ",", ";", "@",
  "a@b.cd", "www.a.b", "http://", "https://x.y/z", "ftp://q.r", "mailto:", "javascript:", "😀", "é", "中", "“", "\r\n", "\r", "\0", "\u00a0", "x", "y z", "word", "5", "10", "-", "+", "=",
  "#", "(", "a_b", "2*3", "\\*", "%20", "/", "\\\n", "  \n",
];

/** Random numbers below a bound, the same for the same seed. */
export function chance(seed) {
  let state = seed >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** A text of so many pieces. */
export function randomText(next, count) {
  return Array.from({ length: count }, () => FRAGMENTS[next(FRAGMENTS.length)]).join("");
}

/** A text in pieces of up to so many characters. */
export function cutText(next, text, most) {
  const pieces = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + next(most);
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}
