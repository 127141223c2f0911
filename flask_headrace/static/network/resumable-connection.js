/**
 * One answer over as many connections as it takes.
 *
 * Knows how a resumable stream is requested, and how it is resumed after a connection broke. What a connection carries is
 * read by stream.js, how long to wait is computed by backoff.js. Does not know the page.
 */

import { Backoff } from "./backoff.js";
import { waitForNetwork } from "./network-wait.js";
import { isPassing, mayHaveArrived, verdictOnBegun } from "./refusals.js";
import { StreamPosition } from "./stream-position.js";
import { errorEvent, errorFromResponse, isTerminal, readEvents } from "./stream.js";
import { Watchdog } from "./watchdog.js";

/** @import { ErrorEvent, StreamEvent } from "./stream.js" */

/**
 * The answer to be streamed. `id` is the stream's id, `body` the body of `POST /api/chat`, or of a view of the application:
 * it is sent with the fields `id` and `resumable: true`, for `headrace.stream`. For a stream that was requested
 * before, `isAccepted` is whether the server has answered, and `cursor` is the `id` of
 * the last event received: its number, and a mark that distinguishes this answer from another one of the same stream.
 *
 * @typedef {{id: string, body: object, isAccepted?: boolean, cursor?: string}} StreamRequest
 *
 * What happens to the connection: `accepted` (the server has answered), `not_resumable` (this service can resume no
 * streams), `disconnected`, `reconnected`.
 * @typedef {{type: "accepted" | "not_resumable" | "disconnected" | "reconnected"}} ConnectionEvent
 * @typedef {{type: "stopped"}} StoppedEvent the caller's signal was aborted
 * @typedef {(StreamEvent | ConnectionEvent | StoppedEvent) & {cursor?: string}} AnswerEvent
 *
 * @typedef {{url: string, init: {method?: string, headers: Record<string, string>, body?: string, cache?: RequestCache}}} Request
 *   what `fetch` takes
 *
 * @typedef {object} ConnectionOptions
 * @property {string} api address of the API, without a slash at its end
 * @property {string} [url] where the question is sent to: a view of the application; `<api>/chat` by default
 * @property {(delayMs: number, signal?: AbortSignal, minDelayMs?: number) => Promise<void>} [wait] waits before the next
 *   connection, `minDelayMs` at least, unless the signal is aborted; by default for the network
 * @property {AbortSignal} [signal] ends the answer with a `stopped` event when it is aborted
 * @property {() => Record<string, string>} [headers] returns the headers that authorize a request, such as `X-CSRFToken`
 * @property {(body: object) => string} [encode] returns the body's JSON text
 * @property {typeof globalThis.fetch} [fetch]
 * @property {Backoff} [backoff] delays between connections
 * @property {number} [idleTimeoutMs] a connection without a byte for so long counts as lost
 * @property {number} [headTimeoutMs] a connection on which an answer is resumed, and whose response has not begun for so long,
 *   counts as lost; by default 4 s, and 8 s after the third time
 */

/** Default idle timeout. The service sends a heartbeat every 15 seconds. */
const IDLE_TIMEOUT_MS = 45_000;

/** A silence of more than a heartbeat's time: once the page wakes from a sleep, the connection is doubted. */
const WAKE_QUIET_MS = 20_000;

/**
 * How long the response to a resumption may take to begin, by the number of those before that took too long. The service
 * begins it within a second; a browser may try several connections that were lost while the machine slept.
 */
const HEAD_TIMEOUTS_MS = [4000, 4000, 4000, 8000];

/** How long the response to a question may take to begin: the service begins it with the first heartbeat at the latest. */
const QUESTION_HEAD_TIMEOUT_MS = 30_000;

/** The slowest upload that is waited for, in characters per millisecond. */
const MIN_UPLOAD_RATE = 16;

/** A connection that lasts for so long is a success, even if it carries only heartbeats. */
const STABLE_AFTER_MS = 10_000;

const GONE = errorEvent({ code: "gone", message: "The connection was lost, and this answer can no longer be resumed." });
const CUT = errorEvent({ code: "cut", message: "The connection broke before the answer was complete." });
const GAVE_UP = errorEvent({ code: "cut", message: "The connection was lost and did not come back in time." });
const UNREACHABLE = errorEvent({ code: "unreachable", message: "The server cannot be reached. Is it running, and are you online?" });
const UNSENDABLE = errorEvent({ code: "unsendable", message: "The browser cannot send this request.", retryable: false });
const MALFORMED = errorEvent({ code: "malformed", message: "The server sent something that this page cannot read." });

/**
 * Request an answer, or resume one, and yield its events as they arrive.
 *
 * The last event is the only terminal one: `done`, `error`, `cancelled` or `stopped`. After an `error` with `isResumable`
 * the same stream may be passed in again. Nothing is thrown: errors are events.
 *
 * @param {StreamRequest} stream
 * @param {ConnectionOptions} options
 * @returns {AsyncGenerator<AnswerEvent, void, void>}
 */
export async function* streamAnswer(stream, options) {
  const connection = new ResumableConnection(stream, options);
  while (!connection.isFinished) {
    yield* connection.connect();
    if (!connection.isFinished) yield* connection.recover();
  }
}

/** One answer: opens one connection after the other until the answer has ended. */
class ResumableConnection {
  /**
   * @param {StreamRequest} stream
   * @param {ConnectionOptions} options
   */
  constructor({ id, body, isAccepted = false, cursor = "0" }, options) {
    this.id = id;
    this.body = body;
    this.isAccepted = isAccepted;
    this.position = new StreamPosition(cursor);
    this.api = options.api;
    this.url = options.url ?? `${options.api}/chat`;
    this.wait = options.wait ?? waitForNetwork;
    this.signal = options.signal;
    this.headers = options.headers ?? (() => ({}));
    this.encode = options.encode ?? JSON.stringify;
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.backoff = options.backoff ?? new Backoff();
    this.idleTimeoutMs = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
    this.headTimeoutMs = options.headTimeoutMs;
    this.slowHeads = 0;
    this.isResumable = true;
    this.isDisconnected = false;
    this.isFinished = false;
    /** @type {ErrorEvent | null} */
    this.lastError = null;
    this.openedAt = 0;
  }

  /**
   * Open one connection and yield its events. If no terminal event comes, `lastError` is the reason.
   *
   * @returns {AsyncGenerator<AnswerEvent, void, void>}
   */
  async *connect() {
    this.lastError = null;
    this.openedAt = this.backoff.now();
    this.position.reconnect();
    const request = this.#buildRequest();
    if (!request) return yield this.#finish(UNSENDABLE);
    const watchdog = new Watchdog(this.#headTimeoutMs(request), this.signal, this.isResumable ? WAKE_QUIET_MS : Infinity);
    let hasHead = false;
    try {
      const response = await this.fetch(request.url, { ...request.init, signal: watchdog.signal });
      hasHead = true;
      watchdog.reset(this.idleTimeoutMs);
      this.slowHeads = 0;
      const error = await errorFromResponse(response, watchdog.signal);
      this.signal?.throwIfAborted();
      if (error) yield* this.#refused(error);
      else yield* this.#read(/** @type {ReadableStream<Uint8Array>} */ (response.body), watchdog);
    } catch (error) {
      this.slowHeads += watchdog.isExpired && !hasHead ? 1 : 0;
      yield* this.#broken(error);
    } finally {
      watchdog.close();
    }
  }

  /**
   * Wait until it is time for the next connection; or give up, with a terminal event.
   *
   * @returns {AsyncGenerator<AnswerEvent, void, void>}
   */
  async *recover() {
    const error = this.lastError;
    if (!error) return;
    const minDelayMs = (error.retryAfterSeconds ?? 0) * 1000;
    const delayMs = this.isResumable ? this.backoff.nextDelay(minDelayMs) : null;
    if (delayMs === null) {
      yield this.#finish({ ...(error === CUT && this.isResumable ? GAVE_UP : error), isResumable: this.isResumable });
      return;
    }
    if (!this.isDisconnected) yield { type: "disconnected" };
    this.isDisconnected = true;
    // A response that did not begin has been waited for already.
    await this.wait(this.slowHeads ? Math.min(delayMs, this.backoff.initialDelayMs) : delayMs, this.signal, minDelayMs);
    if (this.signal?.aborted) yield this.#finish({ type: "stopped" });
  }

  /**
   * Return what `fetch` takes; null where the body cannot be encoded, or a header has a character that no header can have.
   *
   * @returns {Request | null}
   */
  #buildRequest() {
    try {
      const headers = { Accept: "text/event-stream", ...this.headers() };
      // Throws where `fetch` would, whose error looks like that of a server that is away.
      new Headers(headers);
      return this.isAccepted ? this.#resumption(headers) : this.#question(headers);
    } catch {
      return null;
    }
  }

  /** @type {(headers: Record<string, string>) => Request} */
  #resumption(headers) {
    const { cursor, hasReplay } = this.position;
    const query = hasReplay ? `?last_event_id=${encodeURIComponent(cursor)}` : "";
    const url = `${this.api}/streams/${encodeURIComponent(this.id)}${query}`;
    return { url, init: { headers: { ...headers, "Last-Event-ID": cursor }, cache: "no-store" } };
  }

  /** @type {(headers: Record<string, string>) => Request} */
  #question(headers) {
    // The question is sent again even if it may have arrived before: the server answers the same id and body once.
    const body = this.encode(this.isResumable ? { ...this.body, resumable: true, id: this.id } : this.body);
    return { url: this.url, init: { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body } };
  }

  /** @param {Request} request */
  #headTimeoutMs({ init: { body } }) {
    // A question that cannot be sent again is waited for as long as possible.
    if (!this.isResumable) return this.idleTimeoutMs;
    if (body !== undefined) return QUESTION_HEAD_TIMEOUT_MS + body.length / MIN_UPLOAD_RATE;
    return this.headTimeoutMs ?? HEAD_TIMEOUTS_MS[Math.min(this.slowHeads, HEAD_TIMEOUTS_MS.length - 1)];
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @param {Watchdog} watchdog
   * @returns {AsyncGenerator<AnswerEvent, void, void>}
   */
  async *#read(body, watchdog) {
    if (!this.isAccepted && this.isResumable) {
      this.isAccepted = true;
      yield { type: "accepted" };
    }
    if (this.isDisconnected) yield { type: "reconnected" };
    this.isDisconnected = false;
    const onActivity = () => {
      watchdog.reset();
      if (this.backoff.now() - this.openedAt > STABLE_AFTER_MS) this.backoff.reset();
    };
    for await (const event of readEvents(body, onActivity)) {
      const novelty = this.position.take(event.cursor);
      if (novelty === "foreign") return yield this.#finish(GONE);
      // A server that repeats events it has sent before makes no progress; but whatever ends an answer ends it.
      if (novelty === "seen" && !isTerminal(event)) continue;
      if (event.cursor !== undefined) this.backoff.reset();
      this.isFinished = isTerminal(event);
      yield event;
    }
    if (!this.isFinished) this.lastError = CUT;
  }

  /**
   * Handle a response that is no event stream.
   *
   * @param {ErrorEvent} refusal
   * @returns {Generator<AnswerEvent, void, void>}
   */
  *#refused(refusal) {
    if (refusal.code === "not_supported" && !this.isAccepted && this.isResumable) {
      this.isResumable = false;
      yield { type: "not_resumable" };
    } else if (!this.isAccepted) {
      if (this.isDisconnected && isPassing(refusal)) this.lastError = refusal;
      else yield this.#finish(this.isResumable && mayHaveArrived(refusal) ? { ...refusal, isResumable: true } : refusal);
    } else {
      const verdict = verdictOnBegun(refusal);
      if (verdict === "passing") this.lastError = refusal;
      else yield this.#finish(verdict === "gone" ? GONE : { ...refusal, isResumable: true });
    }
  }

  /**
   * Handle what a request or the reading of its body has thrown.
   *
   * @param {unknown} error
   * @returns {Generator<AnswerEvent, void, void>}
   */
  *#broken(error) {
    if (this.signal?.aborted) yield this.#finish({ type: "stopped" });
    else if (error instanceof SyntaxError || error instanceof RangeError) {
      yield this.#finish(this.isAccepted ? { ...MALFORMED, isResumable: true } : MALFORMED);
    } else this.lastError = this.isAccepted || !this.isResumable ? CUT : UNREACHABLE;
  }

  /**
   * Mark the answer as finished, and return its terminal event.
   *
   * @template {AnswerEvent} Event
   * @param {Event} event
   */
  #finish(event) {
    this.isFinished = true;
    return event;
  }
}
