/**
 * What a refusal means for an answer: whether it is gone, whether the reader has to do something, or whether to try again.
 *
 * Knows statuses and codes. Does not know connections. Pure.
 */

/** @import { ErrorEvent } from "./stream.js" */

/** Statuses for a stream that is not there, or holds another answer by now, or less of this answer, or nothing more of it. */
const GONE_STATUSES = new Set([204, 400, 404, 410]);

/** Statuses with which a proxy answers while the service behind it is away. */
const TRANSIENT_STATUSES = new Set([408, 425, 429, 502, 503, 504]);

/** Codes of a service that cannot serve now. */
const TRANSIENT_CODES = new Set(["store_unavailable", "too_many_streams", "shutting_down"]);

/** The code of a service, or of an application with a login, that wants a key, or another one. */
const UNAUTHORIZED = "unauthorized";

/**
 * Return what a refusal means for an answer that has begun. Only four statuses say that it is gone: whatever else stands
 * between the page and the service (a login, a gateway, a firewall) says nothing about the answer.
 *
 * @param {Pick<ErrorEvent, "status" | "code">} refusal
 * @returns {"gone" | "unauthorized" | "passing"} `unauthorized`: the answer goes on once the reader has given a key
 */
export function verdictOnBegun({ status = 0, code }) {
  if (GONE_STATUSES.has(status)) return "gone";
  return status === 401 && code === UNAUTHORIZED ? "unauthorized" : "passing";
}

/**
 * Return whether a refusal of a question passes by itself. That question may have arrived before, on a connection that
 * broke: it is sent again with the same id, for which the server answers once.
 *
 * @param {Pick<ErrorEvent, "status" | "code">} refusal
 */
export function isPassing({ status = 0, code }) {
  return isForeign({ status, code }) || (TRANSIENT_STATUSES.has(status) && TRANSIENT_CODES.has(code));
}

/**
 * Return whether it is unknown if a refused question has arrived: a proxy has refused it, after it may have sent it on.
 *
 * @param {Pick<ErrorEvent, "status" | "code">} refusal
 */
export function mayHaveArrived({ status = 0, code }) {
  return status >= 500 && code === `http_${status}`;
}

/**
 * Return whether a refusal comes from something between the page and the service, and says that the service is away.
 *
 * @param {Pick<ErrorEvent, "status" | "code">} refusal
 */
function isForeign({ status = 0, code }) {
  return code === "not_a_stream" || (code === `http_${status}` && (status >= 500 || TRANSIENT_STATUSES.has(status)));
}
