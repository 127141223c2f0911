/**
 * What is open inside one block, and the text on its way out.
 *
 * Knows the stack of open spans and the blanks that wait for what follows them. Knows no Markdown (inline.js reads it) and
 * no DOM: it gives operations to a sink (markdown.js lists them).
 */

/** Spans inside each other, at most: a browser lays out deep trees slowly, or not at all. */
export const DEPTH = 8;

export class Spans {
  constructor(sink) {
    this.sink = sink;
    this.open = [];
    this.run = "";
    this.last = "";
    this.spaces = 0;
    this.newline = "";
  }

  get top() {
    return this.open.at(-1);
  }

  /** The character before the next one, for the rules of emphasis; "" at the start of the block. */
  get before() {
    return this.newline || this.spaces ? " " : this.last;
  }

  /** Is a link open, or what may become one? */
  get inLink() {
    return this.open.some((span) => span.kind === "link" && !span.dead);
  }

  has(room) {
    return this.open.length + room <= DEPTH;
  }

  space() {
    this.spaces++;
  }

  /** End the line. Two blanks before it, or a backslash (`hard`), make a break of it. */
  endLine(hard = this.spaces >= 2) {
    this.newline = hard ? "hard" : "soft";
    this.spaces = 0;
  }

  /** Add text, and return its length. */
  text(text) {
    this.#gap();
    this.raw(text);
    this.last = text.at(-1);
    return text.length;
  }

  /** Add text as it is, its blanks included. */
  raw(text) {
    if (text && this.top) this.top.filled = true;
    this.run += text;
  }

  /** Open a span; `literal` is what it began with, and comes back if it turns out to be none. */
  push(kind, literal, more = {}) {
    this.#gap();
    this.flush();
    this.open.push({ kind, literal, filled: false, dead: false, ...more });
    this.sink.open(kind, {});
    this.last = literal.at(-1) ?? this.last;
  }

  break() {
    this.#gap();
    this.#break();
  }

  /** Close the innermost span, or all down to `span`: those above it turned out to be none. */
  close(span = this.top) {
    this.revertTo(span);
    this.flush();
    this.open.pop();
    this.sink.close();
    if (this.top) this.top.filled = true;
  }

  /** Undo all spans above `span`. */
  revertTo(span) {
    while (this.top !== span) this.unwrap(this.top.literal);
  }

  /** Dissolve the innermost span: `literal` and its content stay. */
  unwrap(literal) {
    this.flush();
    const { padding = "" } = this.open.pop();
    this.sink.unwrap(literal);
    this.run += padding;
  }

  /** Give the innermost span its address, and close it. Links hold no links, so those around it are none. */
  link(href, title = "") {
    this.flush();
    this.sink.set({ href, title });
    this.close();
    for (const span of this.open) span.dead ||= span.kind === "link";
  }

  /** Close the block. What is unfinished becomes text, or stays as it looks when the answer was `cut` off. */
  end(cut) {
    while (this.top) {
      if (!cut) this.unwrap(this.top.literal);
      else if (this.top.kind === "link") this.unwrap("");
      else this.close();
    }
    this.flush();
  }

  flush() {
    if (this.run) this.sink.text(this.run);
    this.run = "";
  }

  #gap() {
    if (this.newline === "hard") this.#break();
    else if (this.newline) this.run += "\n";
    else if (this.last) this.run += " ".repeat(this.spaces);
    this.newline = "";
    this.spaces = 0;
  }

  #break() {
    this.flush();
    this.sink.open("break", {});
    this.sink.close();
    this.last = " ";
  }
}
