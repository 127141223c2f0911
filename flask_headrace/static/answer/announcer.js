/**
 * Reading an answer out, for screen readers: whole sentences, in order, and code by its name only.
 *
 * Takes the same operations as the page does. Knows one live region and nothing of the page's looks.
 */

/** Characters that are worth interrupting for; fewer wait for the end of their block. */
const ENOUGH = 60;
/** Characters after which a sentence without end is said in parts. */
const LONG = 400;
/** Paragraphs that stay in the region. What was read out long ago must not be found there again. */
const KEPT = 6;
const BLOCKS = new Set(["paragraph", "heading", "item", "row", "fence"]);

export class Announcer {
  constructor(region) {
    this.region = region;
    /** Whether nothing is said: what is on the page already is not read out again. */
    this.isMuted = false;
    this.reset();
  }

  reset() {
    this.kinds = [];
    this.words = "";
  }

  /** Say something now. */
  say(text) {
    const words = text.replace(/\s+/g, " ").trim();
    if (!words || this.isMuted) return;
    const line = document.createElement("p");
    line.textContent = words;
    this.region.append(line);
    while (this.region.childElementCount > KEPT) this.region.firstElementChild.remove();
  }

  open(kind, attributes) {
    this.kinds.push(kind);
    if (kind === "fence") this.say(`${this.#take()} ${attributes.language || ""} code block.`);
  }

  text(text) {
    if (this.kinds.includes("fence")) return;
    this.words += text;
    const end = Math.max(...[". ", "! ", "? ", "。", "！", "？"].map((mark) => this.words.lastIndexOf(mark)));
    if (end >= ENOUGH) this.say(this.#take(end + 1));
    else if (this.words.length > LONG) this.say(this.#take());
  }

  close() {
    const kind = this.kinds.pop();
    if (kind === "cell") this.words += ", ";
    else if (BLOCKS.has(kind)) this.say(this.#take());
  }

  set() {}

  unwrap() {
    this.kinds.pop();
  }

  drop() {
    this.kinds.pop();
    this.words = "";
  }

  #take(length = this.words.length) {
    const taken = this.words.slice(0, length);
    this.words = this.words.slice(length);
    return taken;
  }
}
