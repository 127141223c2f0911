/**
 * The native protocol on one connection: turns the body of a response into the events of an answer.
 *
 * Knows what each frame of `POST /api/chat` and `GET /api/streams/<id>` means, and how a response reports an error.
 * Opens no connection, keeps nothing of the answer, and does not know the page.
 */

import { readBoundedText } from "./bounded-body.js";
import { SSEDecoder } from "./sse-decoder.js";

/** @import { ServerSentEvent } from "./sse-decoder.js" */

/**
 * @typedef {{type: "start", id: string, model: string, provider: string}} StartEvent
 * @typedef {{type: "delta", text: string}} TextEvent a piece of the answer's text
 * @typedef {{type: "reasoning", text: string}} ReasoningEvent a piece of the model's reasoning
 *
 * What the model's provider wants back with the next turn: an opaque text, to be stored with the answer.
 * @typedef {{type: "reasoning_state", reasoning_state: string}} ReasoningStateEvent
 *
 * A tool call: its `name` begins the call, each `delta` continues the JSON text of its arguments, and `arguments`, the
 * whole value, completes the call. `call` counts the calls of an answer from 0. With `runs_here` the service runs the tool, and
 * sends its `progress`, its `result` or its `error`; or the id of an `approval` that the tool needs before it runs. Where there
 * is no `call`, `id` names a call of the messages that were sent. `json` is the text of a frame with a value, with all digits.
 * @typedef {{type: "tool", call?: number, id?: string, name?: string, runs_here?: boolean, delta?: string, arguments?: unknown,
 *   progress?: unknown, result?: unknown, error?: string, approval?: string, json?: string}} ToolEvent
 * @typedef {{type: "step"}} StepEvent the model is asked again: a new step of the answer begins
 *
 * All that came before is void: `model` answers from here on, and `reason` is the error code of the model before it.
 * @typedef {{type: "restart", reason: string, model?: string}} RestartEvent
 *
 * What a request to a model took. `cost` is null where the price is unknown.
 * @typedef {{model: string, input_tokens: number, output_tokens: number, cost: number | null}} Attempt
 *
 * What the whole answer took. `attempts` lists the requests to models that cost something.
 * @typedef {{input_tokens: number, output_tokens: number, cached_tokens?: number, reasoning_tokens?: number,
 *   cache_write_tokens?: number, cost: number | null, currency?: string, estimated: boolean, attempts?: Attempt[]}} Usage
 * @typedef {{type: "usage"} & Usage} UsageEvent
 * @typedef {{type: "end", finish_reason: string}} EndEvent why the model ended the answer; comes just before `done`
 * @typedef {{type: "done"}} DoneEvent the answer is complete
 * @typedef {{type: "cancelled", reason: string}} CancelledEvent the answer was stopped on the server
 *
 * The answer failed. `retryAfterSeconds` is null if the server names no time; `status` is the HTTP status of a response
 * that is no event stream; `isResumable` is whether the stream may still be resumed later.
 * @typedef {{type: "error", code: string, message: string, retryable: boolean, retryAfterSeconds: number | null,
 *   status?: number, isResumable?: boolean}} ErrorEvent
 *
 * An event of a frame with an `id` carries that `id` as `cursor`.
 * @typedef {(StartEvent | TextEvent | ReasoningEvent | ReasoningStateEvent | ToolEvent | StepEvent | RestartEvent | UsageEvent | EndEvent |
 *   DoneEvent | CancelledEvent | ErrorEvent) & {cursor?: string}} StreamEvent
 */

const TERMINAL_TYPES = new Set(["done", "error", "cancelled", "stopped"]);

/** The rest of a body, after its last event, may take so long. Then the body is cancelled, so that its connection is free. */
const MAX_DRAIN_MS = 1000;

/** What is read of the body of a refusal, and for how long. */
const REFUSAL_LIMITS = { maxBytes: 64 * 1024, timeoutMs: 3000 };

/**
 * Return whether an event is the last one of its answer.
 *
 * @param {{type: string}} event
 */
export function isTerminal({ type }) {
  return TERMINAL_TYPES.has(type);
}

/**
 * Return the event that a frame stands for.
 *
 * @param {ServerSentEvent} frame
 * @returns {StreamEvent | null} null for a frame that this page does not use
 * @throws {SyntaxError} the frame's data is not JSON
 */
function parseEvent({ event, data }) {
  if (event === "message") {
    return data === "[DONE]" ? { type: "done" } : { type: "delta", text: parseFields(data).delta ?? "" };
  }
  switch (event) {
    case "reasoning":
      return reasoningEvent(parseFields(data));
    case "tool":
      return toolEvent(data);
    case "start":
    case "reasoning_state":
    case "step":
    case "restart":
    case "usage":
    case "end":
    case "cancelled":
      return { ...parseFields(data), type: event };
    case "error":
      return errorEvent(parseFields(data));
    default:
      return null;
  }
}

/**
 * Return the JSON object of a frame.
 *
 * @param {string} data
 * @throws {SyntaxError} the data is not JSON, or no object
 */
function parseFields(data) {
  const fields = JSON.parse(data);
  if (fields === null || typeof fields !== "object") throw new SyntaxError(`a frame with ${data.slice(0, 80)}, which is no object`);
  return fields;
}

/**
 * Return the event of a `reasoning` frame; null for the frame that carries only the signature, which is for the provider.
 *
 * @param {{delta?: string}} data
 * @returns {ReasoningEvent | null}
 */
function reasoningEvent({ delta }) {
  return delta === undefined ? null : { type: "reasoning", text: delta };
}

/** @type {(data: string) => ToolEvent} */
function toolEvent(data) {
  const fields = parseFields(data);
  const hasValue = ["arguments", "progress", "result"].some((name) => name in fields);
  return { ...fields, type: "tool", ...(hasValue && { json: data }) };
}

/**
 * Yield the events of an event stream up to and including the terminal one.
 *
 * The iteration ends without a terminal event when the body does. A consumer that stops early cancels the body.
 *
 * @param {ReadableStream<Uint8Array>} body the body of the response
 * @param {() => void} [onActivity] called with every chunk, also with one that holds only a heartbeat
 * @returns {AsyncGenerator<StreamEvent, void, void>}
 * @throws {SyntaxError} a frame is not JSON
 * @throws {RangeError} a frame is too long
 * @throws {TypeError} the connection broke
 */
export async function* readEvents(body, onActivity = () => {}) {
  const reader = body.getReader();
  const decoder = new SSEDecoder();
  let isComplete = false;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      onActivity();
      for (const frame of decoder.feed(read.value)) {
        const event = parseEvent(frame);
        if (!event) continue;
        isComplete = isTerminal(event);
        // Before the last event is handed out: its consumer may ask for no further one.
        if (isComplete) drain(reader);
        yield frame.id ? { ...event, cursor: frame.id } : event;
        if (isComplete) return;
      }
    }
  } finally {
    if (!isComplete) reader.cancel().catch(() => {});
  }
}

/**
 * Read the rest of a body, so that its connection can be reused: the server would take a cancel for a reader who left. A
 * body that goes on for long is cancelled all the same: a browser has few connections to a server.
 *
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 */
async function drain(reader) {
  const timer = setTimeout(() => reader.cancel().catch(() => {}), MAX_DRAIN_MS);
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is complete; how its connection ends no longer matters.
  }
  clearTimeout(timer);
}

/**
 * Return the error that a response reports instead of an event stream. Its body is read within bounds.
 *
 * @param {Response} response
 * @param {AbortSignal} [signal] ends the reading of the body at once when it is aborted
 * @returns {Promise<ErrorEvent | null>} with the response's `status`; null where the response is an event stream
 */
export async function errorFromResponse(response, signal) {
  const type = (response.headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();
  const { ok, status, headers } = response;
  if (ok && type === "text/event-stream") return null;
  const text = await readBoundedText(response, { ...REFUSAL_LIMITS, signal });
  if (ok) {
    const message = "The server sent a page, not an answer. You may need to sign in again.";
    return { ...errorEvent({ code: "not_a_stream", message }), status };
  }
  const { code, message } = refusalFields(type.endsWith("json") ? text : "");
  const error = errorEvent({
    code: code ?? `http_${status}`,
    message: message ?? `The server refused with status ${status}.`,
    retryable: headers.get("X-Should-Retry") !== "false",
    retryAfterSeconds: parseRetryAfter(headers.get("Retry-After"), Date.parse(headers.get("Date") ?? "") || undefined),
  });
  return { ...error, status };
}

/**
 * Return the code and the message in the JSON of a refusal, as far as these are texts: gateways have forms of their own.
 *
 * @param {string} text
 * @returns {{code?: string, message?: string}}
 */
function refusalFields(text) {
  try {
    const { error } = JSON.parse(text);
    const [code, message] = [error?.code, error?.message].map((value) => (typeof value === "string" && value ? value : undefined));
    return { code, message };
  } catch {
    return {};
  }
}

/**
 * Return the event of an answer that failed, with defaults for what is not known.
 *
 * @param {Partial<Omit<ErrorEvent, "type">>} error
 * @returns {ErrorEvent}
 */
export function errorEvent({ code = "error", message = "The answer failed.", retryable = true, retryAfterSeconds = null }) {
  return { type: "error", code, message, retryable, retryAfterSeconds };
}

/**
 * Return the seconds in a Retry-After header.
 *
 * @param {string | null} header a number of seconds, or a date
 * @param {number} [now] the current time in milliseconds since 1970, by the server's clock where that is known
 * @returns {number | null} null where the header is neither, or lies in the past
 */
export function parseRetryAfter(header, now = Date.now()) {
  if (!header) return null;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
