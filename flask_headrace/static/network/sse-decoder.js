/**
 * Server-Sent Events (HTML standard, 9.2), read: bytes that may be cut anywhere become frames.
 *
 * Knows lines and fields. Knows nothing of what a frame means.
 */

/** Characters that one frame may hold. A line that never ends must not fill the reader's memory. */
export const FRAME_LIMIT = 4 * 1024 * 1024;

/** Decodes Server-Sent Events out of chunks of UTF-8. */
export class FrameReader {
  constructor(limit = FRAME_LIMIT) {
    this.limit = limit;
    this.reset();
  }

  /** Forget everything, as at the start of a new response. */
  reset() {
    this.decoder = new TextDecoder();
    this.line = "";
    this.afterReturn = false;
    this.#clear();
  }

  /**
   * Take the next bytes and return the frames that they complete, each `{event, data, id}`; `id` is null where
   * the frame has none.
   * A frame without its blank line is never returned. Throws a RangeError when one outgrows the limit.
   */
  feed(bytes) {
    const text = this.decoder.decode(bytes, { stream: true });
    const frames = [];
    let start = 0;
    if (this.afterReturn && text) {
      start = text[0] === "\n" ? 1 : 0;
      this.afterReturn = false;
    }
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = start;
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      this.#take(this.line + text.slice(start, end.index), frames);
      this.line = "";
      start = ends.lastIndex;
      // The "\n" of a "\r\n" may be in the next chunk.
      this.afterReturn = end[0] === "\r" && start === text.length;
    }
    this.line += text.slice(start);
    this.#measure(this.line.length);
    return frames;
  }

  #take(line, frames) {
    if (line === "") {
      if (this.data !== null) frames.push({ event: this.event || "message", data: this.data, id: this.id });
      this.#clear();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.event = value;
    if (field === "id" && !value.includes("\0")) this.id = value;
    if (field === "data") this.data = this.data === null ? value : `${this.data}\n${value}`;
    this.#measure(this.data?.length ?? 0);
  }

  #clear() {
    this.event = "";
    this.data = null;
    this.id = null;
  }

  #measure(length) {
    if (length > this.limit) throw new RangeError(`a frame of more than ${this.limit} characters`);
  }
}
