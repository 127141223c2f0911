/**
 * One answer over as many connections as it takes.
 *
 * Knows how a resumable stream is asked for, and how it is followed from where a connection broke. What comes on one
 * connection is `stream.js`'s, how long to wait `backoff.js`'s. Knows nothing of the page.
 */

import { Backoff } from "./backoff.js";
import { Watchdog, pause } from "./network.js";
import { eventsOf, failure, isTerminal, refusalOf } from "./stream.js";

/** Milliseconds without a byte after which a connection counts as lost: the service sends a heartbeat every 15 s. */
export const SILENCE = 45_000;

/** Milliseconds after which a connection that only heartbeats come on has proved good. */
const STEADY = 10_000;

/** What a proxy says while the service behind it is away. */
const PASSING = new Set([408, 425, 429, 502, 503, 504]);
/** What the service says when it cannot serve now. Other codes tell how the answer itself ended. */
const BUSY = new Set(["store_unavailable", "too_many_streams", "shutting_down"]);

/** What the service says of a stream that is not there, or holds another answer by now, or not as much of this one. */
const NEVER_AGAIN = new Set([400, 404, 410]);

const GONE = failure({ code: "gone", message: "The connection was lost, and this answer can no longer be resumed." });
const CUT = failure({ code: "cut", message: "The connection broke before the answer was complete." });
const AWAY = failure({ code: "cut", message: "The connection was lost and did not come back in time." });
const UNREACHABLE = failure({ code: "unreachable", message: "The server cannot be reached. Is it running, and are you online?" });
const MALFORMED = failure({ code: "malformed", message: "The server sent something that this page cannot read." });

/**
 * Ask for an answer, or follow one that was asked for, and yield its events as they come.
 *
 * `stream` is `{id, body}`, and where it was asked for before also `{isBegun, cursor}`: whether the server has answered, and
 * the `id` of the last event that was taken; an event has its own as `cursor`. It is a number, and behind that what tells this
 * answer from another one that the same stream may hold later. Besides the protocol's events there are
 * `begun` (the server has answered), `plain` (this service can resume nothing), `lost` (the connection is), and `back`. The
 * last event is always, and alone, one of `done`, `error`, `cancelled` and `stopped` (the signal was aborted); an `error`
 * that `isResumable` does not end the stream, which may be followed again.
 */
export async function* ask(stream, options) {
  const line = new Line(stream, options);
  while (!line.isOver) {
    yield* line.connect();
    if (!line.isOver) yield* line.recover();
  }
}

class Line {
  constructor({ id, body, isBegun = false, cursor = "0" }, options) {
    const defaults = { headers: () => ({}), fetch: globalThis.fetch.bind(globalThis), wait: pause, silence: SILENCE };
    Object.assign(this, { id, body, isBegun, cursor, backoff: new Backoff() }, defaults, options);
    this.isPlain = this.isLost = this.isOver = false;
    // A server that sends the same again and again has not brought the answer any further.
    this.farthest = numberOf(this.cursor);
    this.trouble = null;
  }

  /** Open one connection and yield what comes on it. Where it brings no end, `trouble` says why. */
  async *connect() {
    const watchdog = new Watchdog(this.silence, this.signal);
    this.trouble = null;
    this.opened = this.backoff.now();
    try {
      const response = await this.#request(watchdog.signal);
      watchdog.alive();
      const refused = response.status === 204 ? GONE : await refusalOf(response);
      yield* refused ? this.#refused(refused) : this.#read(response.body, watchdog);
    } catch (error) {
      yield* this.#broken(error);
    } finally {
      watchdog.close();
    }
  }

  /** Wait until it is time for the next connection, or give up. */
  async *recover() {
    if (!this.trouble) return;
    const asked = (this.trouble.wait ?? 0) * 1000;
    const delay = this.isPlain ? null : this.backoff.next(asked);
    if (delay === null) {
      yield this.#last({ ...(this.trouble === CUT && !this.isPlain ? AWAY : this.trouble), isResumable: !this.isPlain });
      return;
    }
    if (!this.isLost) yield { type: "lost" };
    this.isLost = true;
    await this.wait(delay, this.signal, asked);
    if (this.signal?.aborted) yield this.#last({ type: "stopped" });
  }

  #request(signal) {
    const headers = { Accept: "text/event-stream", ...this.headers() };
    if (this.isBegun) {
      const url = `${this.api}/streams/${encodeURIComponent(this.id)}`;
      return this.fetch(url, { headers: { ...headers, "Last-Event-ID": String(this.cursor) }, cache: "no-store", signal });
    }
    // Also where nobody knows whether it has arrived already: the same id and body are answered once.
    const body = this.isPlain ? this.body : { ...this.body, resumable: true, id: this.id };
    return this.fetch(`${this.api}/chat`, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
  }

  async *#read(body, watchdog) {
    if (!this.isBegun && !this.isPlain) {
      this.isBegun = true;
      yield { type: "begun" };
    }
    if (this.isLost) yield { type: "back" };
    this.isLost = false;
    const alive = () => {
      watchdog.alive();
      if (this.backoff.now() - this.opened > STEADY) this.backoff.reset();
    };
    for await (const event of eventsOf(body, alive)) {
      const number = numberOf(event.cursor);
      if (number > this.farthest) this.backoff.reset();
      this.farthest = Math.max(this.farthest, number);
      this.cursor = event.cursor ?? this.cursor;
      this.isOver = isTerminal(event);
      yield event;
    }
    if (!this.isOver) this.trouble = CUT;
  }

  *#refused({ status, ...refused }) {
    if (refused.code === "not_supported" && !this.isBegun && !this.isPlain) {
      this.isPlain = true;
      yield { type: "plain" };
    } else if ((this.isBegun || this.isLost) && isPassing(status, refused.code)) {
      this.trouble = refused;
    } else if (this.isBegun && NEVER_AGAIN.has(status)) {
      yield this.#last(GONE);
    } else {
      yield this.#last(this.isBegun && status === 401 ? { ...refused, isResumable: true } : refused);
    }
  }

  *#broken(error) {
    if (this.signal?.aborted) yield this.#last({ type: "stopped" });
    else if (error instanceof SyntaxError || error instanceof RangeError) yield this.#last(MALFORMED);
    else this.trouble = this.isBegun || this.isPlain ? CUT : UNREACHABLE;
  }

  #last(event) {
    this.isOver = true;
    return event;
  }
}

/** Return the number in an event's `id`; 0 where there is none. */
function numberOf(cursor) {
  return Number.parseInt(cursor, 10) || 0;
}

function isPassing(status, code) {
  return PASSING.has(status) && (code === `http_${status}` || BUSY.has(code));
}
