/**
 * Finds, at the beginning of a text that comes in pieces, another text: the same words, perhaps with other marks between them.
 */

/** Letters and digits: what a word consists of. */
const WORD_CHARACTER = /[\p{L}\p{N}\p{M}]/u;

/** A text that is expected to come again. */
export class Repetition {
  /** @param {string} text the text; "" if none is expected */
  constructor(text) {
    this.text = text;
    this.matched = 0;
  }

  /** What has not come again yet. */
  get rest() {
    return this.text.slice(this.matched);
  }

  /**
   * Return how many characters at the beginning of a piece are a repetition. Where the words differ, the repetition ends for
   * good, at the beginning of the word.
   *
   * @param {string} piece
   */
  skip(piece) {
    let length = 0;
    while (this.matched < this.text.length && length < piece.length) {
      const expected = characterAt(this.text, this.matched);
      const found = characterAt(piece, length);
      if (found === expected) {
        this.matched += expected.length;
        length += found.length;
      } else if (!WORD_CHARACTER.test(expected)) {
        this.matched += expected.length;
      } else if (!WORD_CHARACTER.test(found)) {
        length += found.length;
      } else {
        this.matched = this.text.length;
        return piece.slice(0, length).search(/[\p{L}\p{N}\p{M}]*$/u);
      }
    }
    return length;
  }
}

/** @type {(text: string, index: number) => string} */
function characterAt(text, index) {
  return String.fromCodePoint(text.codePointAt(index) ?? 0);
}
