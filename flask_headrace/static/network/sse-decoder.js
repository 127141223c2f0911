/**
 * Server-Sent Events (HTML standard, section 9.2): decodes chunks of bytes, cut anywhere, into events.
 *
 * Knows lines and fields. Does not know what an event means.
 */

/**
 * One decoded event. `event` is its name, "message" where the stream gives none; `data` is its data lines, joined with
 * line feeds; `id` is null where the event itself has no id (the id of an earlier event is not carried over).
 *
 * @typedef {{event: string, data: string, id: string | null}} ServerSentEvent
 */

/** Default limit for the characters of one event: a line that never ends must not fill the page's memory. */
const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;

/** Decodes Server-Sent Events from chunks of UTF-8. */
export class SSEDecoder {
  #decoder = new TextDecoder();
  /** The unfinished line at the end of the last chunk. */
  #line = "";
  #isAfterReturn = false;
  // The fields of the unfinished event.
  #event = "";
  /** @type {string | null} */
  #data = null;
  /** @type {string | null} */
  #id = null;

  /** @param {number} [maxCharacters] most characters of one line, and of the data of one event */
  constructor(maxCharacters = MAX_EVENT_CHARACTERS) {
    this.maxCharacters = maxCharacters;
  }

  /** Drop all state, as at the start of a new response. */
  reset() {
    this.#decoder = new TextDecoder();
    this.#line = "";
    this.#isAfterReturn = false;
    this.#clear();
  }

  /**
   * Decode the next chunk. An event counts as complete at its blank line; an incomplete one waits for the next chunk.
   *
   * @param {Uint8Array} bytes the next chunk of the response
   * @returns {ServerSentEvent[]} the events that this chunk completes
   * @throws {RangeError} a line or an event has more than `maxCharacters`
   */
  feed(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    /** @type {ServerSentEvent[]} */
    const events = [];
    let start = 0;
    if (this.#isAfterReturn && text) {
      start = text[0] === "\n" ? 1 : 0;
      this.#isAfterReturn = false;
    }
    const lineEnds = /\r\n|\n|\r/g;
    lineEnds.lastIndex = start;
    for (let end = lineEnds.exec(text); end; end = lineEnds.exec(text)) {
      this.#readLine(this.#line + text.slice(start, end.index), events);
      this.#line = "";
      start = lineEnds.lastIndex;
      // The "\n" of a "\r\n" may be in the next chunk.
      this.#isAfterReturn = end[0] === "\r" && start === text.length;
    }
    this.#line += text.slice(start);
    this.#checkLength(this.#line.length);
    return events;
  }

  /**
   * Read one line, and add the event that it completes, if any, to `events`.
   *
   * @param {string} line without its line end
   * @param {ServerSentEvent[]} events
   */
  #readLine(line, events) {
    if (line === "") {
      if (this.#data !== null) events.push({ event: this.#event || "message", data: this.#data, id: this.#id });
      this.#clear();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#event = value;
    if (field === "id" && !value.includes("\0")) this.#id = value;
    if (field === "data") this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    this.#checkLength(this.#data?.length ?? 0);
  }

  #clear() {
    this.#event = "";
    this.#data = null;
    this.#id = null;
  }

  /** @param {number} length */
  #checkLength(length) {
    if (length > this.maxCharacters) throw new RangeError(`a frame of more than ${this.maxCharacters} characters`);
  }
}
