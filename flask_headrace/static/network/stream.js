/**
 * The native protocol, read from one connection: its frames become events.
 *
 * Knows what each frame of `POST /api/chat` and `GET /api/streams/<id>` means, and what a refusal looks like. Knows nothing
 * of the page, opens no connection and keeps nothing of the answer.
 */

import { FrameReader } from "./frames.js";

const TERMINAL = new Set(["done", "error", "cancelled", "stopped"]);

/** Tell whether an event is the last of its answer. */
export function isTerminal({ type }) {
  return TERMINAL.has(type);
}

/** Turn one frame into an event `{type, …}`, or null for a frame that this page has no use for. */
export function eventOf({ event, data }) {
  if (event === "message") {
    return data === "[DONE]" ? { type: "done" } : { type: "delta", text: JSON.parse(data).delta ?? "" };
  }
  switch (event) {
    case "reasoning":
      return thought(JSON.parse(data));
    case "start":
    case "tool":
    case "restart":
    case "usage":
    case "end":
    case "cancelled":
      return { ...JSON.parse(data), type: event };
    case "error":
      return failure(JSON.parse(data));
    default:
      return null;
  }
}

/** What comes after a thought, its signature, is for the provider and not for a reader. */
function thought({ delta }) {
  return delta === undefined ? null : { type: "reasoning", text: delta };
}

/**
 * Yield the events of an event stream's body, up to the terminal one; `alive` is called with whatever arrives.
 * An event of a frame with an `id` has that as `cursor`: its number, and what tells this answer from others. Ends without a terminal event where the connection does, and
 * throws what it throws. A body that is left before its end is cancelled.
 */
export async function* eventsOf(body, alive = () => {}) {
  const reader = body.getReader();
  const frames = new FrameReader();
  let isWhole = false;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      alive();
      for (const frame of frames.feed(read.value)) {
        const event = eventOf(frame);
        isWhole = event !== null && isTerminal(event);
        if (event) yield frame.id ? { ...event, cursor: frame.id } : event;
        if (isWhole) return;
      }
    }
  } finally {
    if (isWhole) drain(reader);
    else reader.cancel().catch(() => {});
  }
}

/** Read on to the end, so that the connection can be used again: to cancel it would look like a reader who leaves. */
async function drain(reader) {
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is complete; how its connection ends no longer matters.
  }
}

/** Return the failure that a response is instead of an event stream, or null; it has the `status` of the response. */
export async function refusalOf(response) {
  const type = (response.headers.get("Content-Type") ?? "").split(";")[0].trim();
  const { ok, status } = response;
  if (ok && type === "text/event-stream") return null;
  if (ok) {
    const message = "The server sent a page, not an answer. You may need to sign in again.";
    return { ...failure({ code: "not_a_stream", message }), status };
  }
  const told = type === "application/json" ? await response.json().catch(() => null) : null;
  const refused = failure({
    code: told?.error?.code ?? `http_${status}`,
    message: told?.error?.message ?? `The server refused with status ${status}.`,
    wait: secondsOf(response.headers.get("Retry-After")),
  });
  return { ...refused, status };
}

/** Return the event of an answer that failed; `wait` is in seconds, null where nobody knows. */
export function failure({ code = "error", message = "The answer failed.", retryable = true, wait = null }) {
  return { type: "error", code, message, retryable, wait };
}

/** Read a Retry-After header, which is a number of seconds or a date; null when it is neither. */
export function secondsOf(header, now = Date.now()) {
  if (!header) return null;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
