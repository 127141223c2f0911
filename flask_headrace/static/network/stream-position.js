/**
 * How far a reader has come in a resumable stream.
 *
 * Knows the `id` of a frame, such as `7-3f9a0c1e`: the event's number, and a mark that all events of one answer have in
 * common. Does not know connections, nor what an event means.
 */

/** The position in one answer: the `id` of the last event, and whether the next event is a new one. */
export class StreamPosition {
  /** The number of the last event on the current connection; null before the first one. @type {number | null} */
  #numberHere = null;

  /** @param {string | number} [cursor] the `id` of the last event received; "0" before the first one */
  constructor(cursor = "0") {
    this.cursor = String(cursor);
    const { number, mark } = parseCursor(this.cursor);
    this.number = number;
    this.mark = mark;
    /** Whether the server has sent events again that it had sent before: a proxy may drop the header with the cursor. */
    this.hasReplay = false;
  }

  /** Begin with another connection. */
  reconnect() {
    this.#numberHere = null;
  }

  /**
   * Take the next event of the connection, and return what it is: `new` (and the position moves on), `seen` before, or
   * `foreign`, of another answer in the place of this one.
   *
   * @param {string | undefined} cursor the event's `id`; undefined where its frame has none
   * @returns {"new" | "seen" | "foreign"}
   */
  take(cursor) {
    if (cursor === undefined) return this.#numberHere !== null && this.#numberHere < this.number ? "seen" : "new";
    const { number, mark } = parseCursor(cursor);
    if (this.number && this.mark && mark && mark !== this.mark) return "foreign";
    this.#numberHere = number;
    if (number <= this.number) {
      this.hasReplay = true;
      return "seen";
    }
    Object.assign(this, { cursor, number, mark });
    return "new";
  }
}

/**
 * Return the number in the `id` of an event, 0 where there is none, and its mark, or "".
 *
 * @param {string} cursor
 */
function parseCursor(cursor) {
  const [, number = "0", mark = ""] = /^(\d+)(?:-(.*))?$/.exec(cursor) ?? [];
  return { number: Number(number), mark };
}
