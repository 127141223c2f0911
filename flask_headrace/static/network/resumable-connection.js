/**
 * One answer over as many connections as it takes.
 *
 * Knows how a resumable stream is requested, and how it is resumed after a connection broke. What a connection carries is
 * read by stream.js, how long to wait is computed by backoff.js. Does not know the page.
 */

import { Backoff } from "./backoff.js";
import { waitForNetwork } from "./network-wait.js";
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
 */

/** Default idle timeout. The service sends a heartbeat every 15 seconds. */
const IDLE_TIMEOUT_MS = 45_000;

/** A connection that lasts for so long is a success, even if it carries only heartbeats. */
const STABLE_AFTER_MS = 10_000;

/** Statuses with which a proxy answers while the service behind it is away. */
const TRANSIENT_STATUSES = new Set([408, 425, 429, 502, 503, 504]);

/** Codes of a service that cannot serve now. Any other code is a failure of the answer itself. */
const TRANSIENT_CODES = new Set(["store_unavailable", "too_many_streams", "shutting_down"]);

/** Statuses for a stream that is not there, or holds another answer by now, or less of this answer. */
const GONE_STATUSES = new Set([400, 404, 410]);

const GONE = errorEvent({ code: "gone", message: "The connection was lost, and this answer can no longer be resumed." });
const CUT = errorEvent({ code: "cut", message: "The connection broke before the answer was complete." });
const GAVE_UP = errorEvent({ code: "cut", message: "The connection was lost and did not come back in time." });
const UNREACHABLE = errorEvent({ code: "unreachable", message: "The server cannot be reached. Is it running, and are you online?" });
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
    this.cursor = cursor;
    // A server that repeats events it has sent before makes no progress.
    this.maxNumber = numberIn(cursor);
    this.api = options.api;
    this.url = options.url ?? `${options.api}/chat`;
    this.wait = options.wait ?? waitForNetwork;
    this.signal = options.signal;
    this.headers = options.headers ?? (() => ({}));
    this.encode = options.encode ?? JSON.stringify;
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.backoff = options.backoff ?? new Backoff();
    this.idleTimeoutMs = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
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
    const watchdog = new Watchdog(this.idleTimeoutMs, this.signal);
    this.lastError = null;
    this.openedAt = this.backoff.now();
    try {
      const response = await this.#request(watchdog.signal);
      watchdog.reset();
      const error = response.status === 204 ? GONE : await errorFromResponse(response);
      if (error) yield* this.#refused(error);
      else yield* this.#read(/** @type {ReadableStream<Uint8Array>} */ (response.body), watchdog);
    } catch (error) {
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
    await this.wait(delayMs, this.signal, minDelayMs);
    if (this.signal?.aborted) yield this.#finish({ type: "stopped" });
  }

  /** @param {AbortSignal} signal */
  #request(signal) {
    const headers = { Accept: "text/event-stream", ...this.headers() };
    if (this.isAccepted) {
      const url = `${this.api}/streams/${encodeURIComponent(this.id)}`;
      return this.fetch(url, { headers: { ...headers, "Last-Event-ID": String(this.cursor) }, cache: "no-store", signal });
    }
    // The question is sent again even if it may have arrived before: the server answers the same id and body once.
    const body = this.isResumable ? { ...this.body, resumable: true, id: this.id } : this.body;
    return this.fetch(this.url, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: this.encode(body),
      signal,
    });
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
      const number = numberIn(event.cursor);
      if (number > this.maxNumber) this.backoff.reset();
      this.maxNumber = Math.max(this.maxNumber, number);
      this.cursor = event.cursor ?? this.cursor;
      this.isFinished = isTerminal(event);
      yield event;
    }
    if (!this.isFinished) this.lastError = CUT;
  }

  /**
   * Handle a response that is no event stream.
   *
   * @param {ErrorEvent} response
   * @returns {Generator<AnswerEvent, void, void>}
   */
  *#refused({ status = 0, ...error }) {
    if (error.code === "not_supported" && !this.isAccepted && this.isResumable) {
      this.isResumable = false;
      yield { type: "not_resumable" };
    } else if ((this.isAccepted || this.isDisconnected) && isTransient(status, error.code)) {
      this.lastError = error;
    } else if (this.isAccepted && GONE_STATUSES.has(status)) {
      yield this.#finish(GONE);
    } else {
      yield this.#finish(this.isAccepted && status === 401 ? { ...error, isResumable: true } : error);
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
    else if (error instanceof SyntaxError || error instanceof RangeError) yield this.#finish(MALFORMED);
    else this.lastError = this.isAccepted || !this.isResumable ? CUT : UNREACHABLE;
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

/**
 * Return the number in the `id` of an event; 0 where there is none.
 *
 * @param {string | undefined} cursor
 */
function numberIn(cursor) {
  return Number.parseInt(cursor ?? "", 10) || 0;
}

/**
 * Return whether a refusal passes by itself: it comes from a proxy, or from a service that cannot serve now.
 *
 * @param {number} status
 * @param {string} code
 */
function isTransient(status, code) {
  return TRANSIENT_STATUSES.has(status) && (code === `http_${status}` || TRANSIENT_CODES.has(code));
}
