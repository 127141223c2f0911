/**
 * Tokens of code that grows: what is settled for good, and what the rest looks like so far. Each character is read a bounded
 * number of times, however the code is cut. Does not know the highlighter: it is a function from code to tokens.
 *
 * A whole line is settled once its end is inside of nothing, so that what follows is read as if the code began there. Lines
 * inside of a long comment or string wait for its end; they are read again only when there is much more of them.
 */

/**
 * A run of code of one kind; the kind is null for plain code.
 *
 * @typedef {[kind: string | null, text: string]} Token
 *
 * Reads code; `isSettled` tells whether the code's end is inside of nothing.
 * @typedef {(code: string) => {tokens: Token[], isSettled: boolean}} Tokenizer
 */

/** Characters that may be read again for every change. */
const SHORT = 1_000;

/** How much longer than that must code have become that is read again. */
const GROWTH = 1.5;

/** Most characters that wait to be settled; then what comes is read as if the code began there. */
const MAX_OPEN = 16_000;

/** Most characters of a line. Longer ones are plain: they are data, and patterns may take quadratic time for them. */
const MAX_LINE = 1_000;

/** Reads the code of one language. */
export class CodeTokens {
  /** Code that is not settled. */
  #open = "";
  /** How much of it was read already. */
  #read = 0;
  /** @type {Token[]} What that looks like. */
  #looks = [];
  #isClosed = false;

  /** @param {Tokenizer} tokenize */
  constructor(tokenize) {
    this.tokenize = tokenize;
    /** Characters that were read, each as often as it was. */
    this.work = 0;
  }

  /** @param {string} code the next code */
  append(code) {
    this.#open += code;
  }

  /** End the code. */
  close() {
    this.#isClosed = true;
  }

  /** Whether there is nothing more to settle before more code comes. */
  get isIdle() {
    return this.#nextLength() === 0;
  }

  /** Whether all code is settled, and no more comes. */
  get isDone() {
    return this.#isClosed && !this.#open;
  }

  /**
   * Return the tokens that are settled now.
   *
   * @param {number} budget about how many characters to read
   */
  settle(budget) {
    /** @type {Token[]} */
    const settled = [];
    const limit = this.work + budget;
    for (let length = this.#nextLength(); length && this.work < limit; length = this.#nextLength()) {
      const isLong = length - this.#read > MAX_LINE && this.#lineEnd(this.#read) === length;
      // A long line comes by itself: what is open before it ends there.
      if (isLong && this.#read) this.#settleOpen(settled, this.#looks, this.#read);
      else if (isLong) this.#settleOpen(settled, [[null, this.#open.slice(0, length)]], length);
      else this.#readOpen(settled, length);
    }
    return settled;
  }

  /**
   * Return what the code that is not settled looks like.
   *
   * @param {string} [more] the beginning of a line that may yet be code of another language
   */
  looks(more = "") {
    const open = this.#open + more;
    const unread = open.slice(this.#read);
    if (open.length > SHORT || !unread) return unread ? [...this.#looks, plain(unread)] : this.#looks;
    // A word that goes on may become another one.
    const [word] = /[\w$@#-]*$/.exec(open) ?? [""];
    const { tokens } = this.#tokenize(open.slice(0, open.length - word.length));
    return word ? [...tokens, plain(word)] : tokens;
  }

  /**
   * @param {Token[]} settled
   * @param {number} length
   */
  #readOpen(settled, length) {
    const { tokens, isSettled } = this.#tokenize(this.#open.slice(0, length));
    const isEnd = this.#isClosed && length === this.#open.length;
    if (isSettled || isEnd || length >= MAX_OPEN) return this.#settleOpen(settled, tokens, length);
    this.#looks = tokens;
    this.#read = length;
  }

  /**
   * @param {Token[]} settled
   * @param {Token[]} tokens
   * @param {number} length
   */
  #settleOpen(settled, tokens, length) {
    for (const token of tokens) settled.push(token);
    this.#open = this.#open.slice(length);
    this.#looks = [];
    this.#read = 0;
  }

  /** Return how many characters of the open code are to be read next; 0 if there is nothing to be gained. */
  #nextLength() {
    const whole = this.#isClosed ? this.#open.length : this.#open.lastIndexOf("\n") + 1;
    if (whole <= this.#read) return 0;
    const wanted = this.#read < SHORT ? SHORT : this.#read * GROWTH;
    if (whole < wanted && this.#read >= SHORT && !this.#isClosed) return 0;
    let length = this.#read;
    while (length < whole && length < wanted) {
      const next = this.#lineEnd(length);
      if (next - length > MAX_LINE) return length > this.#read ? length : next;
      length = next;
    }
    return length;
  }

  /** @param {number} start where a line begins */
  #lineEnd(start) {
    const end = this.#open.indexOf("\n", start) + 1;
    return end || this.#open.length;
  }

  /** @param {string} code */
  #tokenize(code) {
    this.work += code.length;
    return code ? this.tokenize(code) : { tokens: [], isSettled: true };
  }
}

/**
 * @param {string} text
 * @returns {Token}
 */
function plain(text) {
  return [null, text];
}
