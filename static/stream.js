/**
 * The native protocol, read: bytes that may be cut anywhere become frames, frames become events.
 *
 * Knows Server-Sent Events (HTML standard, 9.2) and what each frame of `POST /api/chat` means. Knows nothing of the page
 * and keeps nothing of the answer.
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
   * Take the next bytes and return the frames that they complete, each `{event, data}`.
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
      if (this.data !== null) frames.push({ event: this.event || "message", data: this.data });
      this.#clear();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.event = value;
    if (field === "data") this.data = this.data === null ? value : `${this.data}\n${value}`;
    this.#measure(this.data?.length ?? 0);
  }

  #clear() {
    this.event = "";
    this.data = null;
  }

  #measure(length) {
    if (length > this.limit) throw new RangeError(`a frame of more than ${this.limit} characters`);
  }
}

/** Turn one frame into an event `{type, …}`, or null for a frame that this page has no use for. */
export function eventOf({ event, data }) {
  if (event === "message") {
    return data === "[DONE]" ? { type: "done" } : { type: "delta", text: JSON.parse(data).delta ?? "" };
  }
  switch (event) {
    case "reasoning":
      return { type: "reasoning", text: JSON.parse(data).delta ?? "" };
    case "start":
    case "tool":
    case "restart":
    case "usage":
    case "cancelled":
      return { ...JSON.parse(data), type: event };
    case "error":
      return failure(JSON.parse(data));
    default:
      return null;
  }
}

const TERMINAL = new Set(["done", "error", "cancelled"]);

/**
 * Ask for an answer and yield its events as they come.
 * The last one is always, and alone, one of `done`, `error`, `cancelled` and `stopped` (the signal was aborted).
 */
export async function* ask(url, body, { signal, headers = {}, fetch = globalThis.fetch } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream", ...headers },
      body: JSON.stringify(body),
      signal,
    });
    const refused = await refusal(response);
    if (refused) return yield refused;
    const reader = response.body.getReader();
    const frames = new FrameReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      for (const frame of frames.feed(read.value)) {
        const event = eventOf(frame);
        if (event) yield event;
        if (TERMINAL.has(event?.type)) return void drain(reader);
      }
    }
    yield failure({ code: "cut", message: "The connection ended before the answer was complete." });
  } catch (error) {
    yield signal?.aborted ? { type: "stopped" } : broken(error, response);
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

function broken(error, response) {
  if (error instanceof SyntaxError || error instanceof RangeError) {
    return failure({ code: "malformed", message: "The server sent something that this page cannot read." });
  }
  if (response) return failure({ code: "cut", message: "The connection broke before the answer was complete." });
  return failure({ code: "unreachable", message: "The server cannot be reached. Is it running, and are you online?" });
}

async function refusal(response) {
  const type = (response.headers.get("Content-Type") ?? "").split(";")[0].trim();
  if (response.ok && type === "text/event-stream") return null;
  if (response.ok) {
    return failure({ code: "not_a_stream", message: "The server sent a page, not an answer. You may need to sign in again." });
  }
  const told = type === "application/json" ? await response.json().catch(() => null) : null;
  return failure({
    code: told?.error?.code ?? `http_${response.status}`,
    message: told?.error?.message ?? `The server refused with status ${response.status}.`,
    wait: secondsOf(response.headers.get("Retry-After")),
  });
}

function failure({ code = "error", message = "The answer failed.", retryable = true, wait = null }) {
  return { type: "error", code, message, retryable, wait };
}

/** Read a Retry-After header, which is a number of seconds or a date; null when it is neither. */
export function secondsOf(header, now = Date.now()) {
  if (!header) return null;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
