/**
 * What a failure means to the person at the page: a sentence, and what to do about it.
 *
 * Knows the codes of `docs/protocol.md` and of the page's own network, and the sentences for those whose messages are for whoever
 * writes or runs a program. All other messages of the server are kept: they say what was wrong. Pure.
 */

/** @import { ErrorEvent } from "../network/stream.js" */

/**
 * What can be done: ask again, or go on with the same answer where it is resumable; give a key; begin another conversation;
 * send less of this one; or nothing here.
 * @typedef {"retry" | "key" | "new" | "shorten" | null} Action
 *
 * A failure for the person at the page. `text` never names a wait: `waitSeconds` is the time for which the server asks not to
 * be asked again, or null. With `isAutomatic` the page asks again by itself after that time. `detail` is the server's own message
 * where `text` is another one, or "".
 * @typedef {{text: string, action: Action, waitSeconds: number | null, isAutomatic: boolean, detail: string}} Advice
 *
 * `hasBegun` is whether a part of the answer has come, `hasKey` whether a key was sent, `automaticRetries` how often the
 * page has asked again by itself already.
 * @typedef {{hasBegun?: boolean, hasKey?: boolean, automaticRetries?: number}} Circumstances
 */

/** @type {Record<string, [text: string, action: Action]>} The sentence for each code, and what to do. */
const SENTENCES = {
  key_wanted: ["This service asks for a key.", "key"],
  key_refused: ["This service does not accept the key that was given. Enter another one.", "key"],
  too_long: ["This conversation is too long for the model.", "shorten"],
  too_large: ["This conversation is larger than this service accepts.", "shorten"],
  no_credit: ["The model's provider refuses: the account of this service has no credit left. Whoever runs the service has to see to it.", null],
  no_model: ["This service has no model to ask. If you run it, set OPENAI_API_KEY or ANTHROPIC_API_KEY.", null],
  own_limit: ["You have as many answers open as this service allows. Stop one of them, or wait for its end.", "retry"],
  lost_for_now: ["The connection was lost and did not come back in time. The answer can still go on.", "retry"],
  refused: ["The server refuses to answer. You may need to sign in again.", "retry"],
  no_entrance: ["The server does not have this service at this address.", "retry"],

  rate_limited: ["This model was asked too often in a short time.", "retry"],
  too_many_streams: ["This service is writing as many answers as it can.", "retry"],
  checks_busy: ["This service is too busy to check the shape of the answer.", "retry"],
  shutting_down: ["The service is restarting.", "retry"],
  worker_lost: ["The part of the service that wrote this answer died before its end.", "retry"],
  store_unavailable: ["This service cannot reach the place where it keeps answers.", "retry"],
  upstream_overloaded: ["The model's provider is overloaded.", "retry"],
  upstream_unauthorized: ["The model's provider refuses the key of this service. Whoever runs the service has to set another one.", null],
  upstream_forbidden: ["The model's provider does not let this service use the model. Choose another model.", "retry"],
  model_not_found: ["This service does not have the model that was chosen. Choose another one.", "retry"],
  upstream_not_found: ["The model's provider does not have this model. Choose another one.", "retry"],
  forbidden: ["This service accepts no questions from the address of this page. Whoever runs it can allow the address.", null],
  not_resumable: ["The rest of this answer is lost, because the service could not keep it.", "retry"],
  gone: ["The connection was lost, and this answer can no longer be resumed.", "retry"],
  cut: ["The connection broke before the answer was complete.", "retry"],
  unreachable: ["The server cannot be reached. Is it running, and are you online?", "retry"],
  unsendable: ["The browser cannot send this question.", null],
  malformed: ["The server sent something that this page cannot read.", "retry"],
  not_a_stream: ["The server sent a page, not an answer. You may need to sign in again.", "retry"],
};

/** Codes of requests that fail again in the same way; their messages say what is wrong. */
const FINAL_CODES = new Set(["invalid_request", "upstream_invalid_request", "upstream_rejected", "max_cost", "not_supported"]);

/** @type {(status: number) => string} A sentence for a refusal of a server or proxy that tells nothing but a status. */
const failedWith = (status) => `The server failed with status ${status}.`;
/** @type {(provider: string, reason: string) => string} A sentence for a failure of the model's provider, with its reason or "". */
const providerFailed = (provider, reason) => `The model's provider, ${provider}, has failed${reason ? `: ${reason}` : "."}`;

/** The page asks again by itself so often, and waits at most so long for that. */
const MAX_AUTOMATIC_RETRIES = 3;
const MAX_AUTOMATIC_WAIT_SECONDS = 120;

/** What a service says to a client without a key. An application with a login says something of its own. */
const KEY_MESSAGE = /Authorization|x-api-key|bearer/i;
const TOO_LONG_MESSAGE = /context[ _](?:length|window|size|limit)|exceed_context_size|prompt is too long/i;
const TOO_MANY_MESSAGE = /\bmessages has [\d,]+|\bmore than [\d,]+ (?:items|turns|messages|JSON values)/i;
const NO_CREDIT_MESSAGE = /insufficient_quota|exceeded your current quota|credit balance|billing/i;
const PROVIDER_MESSAGE = /^\S+ (?:refused the request with status|failed in the middle of its answer)/;
const PROVIDER_FAILED_MESSAGE = /^(\S+) refused the request with status 5\d\d(?:: ([^]+)|\.)$/;
/** A sentence that asks to try again, with the time, in which a point can be one of a number. */
const WAIT_SENTENCE = /\s*\b(?:please )?(?:try again|retry)\b(?:[^.]|\.(?=\d))*(?:\.|$)/gi;

/**
 * Return what a failure means to the person at the page.
 *
 * @param {Pick<ErrorEvent, "code" | "message"> & Partial<ErrorEvent>} error
 * @param {Circumstances} [circumstances]
 * @returns {Advice}
 */
export function describeError(error, circumstances = {}) {
  const [text, action] = sentenceFor(error, circumstances) ?? ownWords(error);
  const { message, retryAfterSeconds } = error;
  const waitSeconds = action === "retry" && retryAfterSeconds ? Math.ceil(retryAfterSeconds) : null;
  const isAutomatic = waitSeconds !== null && waitSeconds <= MAX_AUTOMATIC_WAIT_SECONDS && mayRetry(error, circumstances);
  return { text, action, waitSeconds, isAutomatic, detail: text === message ? "" : message };
}

/**
 * Return the sentence for a failure; undefined where the server's own message is the best one.
 *
 * @type {(error: Pick<ErrorEvent, "code" | "message"> & Partial<ErrorEvent>, circumstances: Circumstances) => [string, Action] | undefined}
 */
function sentenceFor({ code, message, status = 0, isResumable }, { hasKey }) {
  if (code === "unauthorized") return KEY_MESSAGE.test(message) ? SENTENCES[hasKey ? "key_refused" : "key_wanted"] : undefined;
  if (code === "body_too_large" || code === "http_413" || TOO_MANY_MESSAGE.test(message)) return SENTENCES.too_large;
  if (code === "upstream_too_large" || TOO_LONG_MESSAGE.test(message)) return SENTENCES.too_long;
  if (NO_CREDIT_MESSAGE.test(message)) return SENTENCES.no_credit;
  if (code === "model_unavailable") return message.startsWith("There is no model") ? SENTENCES.no_model : undefined;
  if (code === "too_many_streams" && status === 429) return SENTENCES.own_limit;
  if (code === "cut" && isResumable) return SENTENCES.lost_for_now;
  if (code === `http_${status}`) return sentenceForStatus(status);
  return Object.hasOwn(SENTENCES, code) && !isOfApplication(code, message) ? SENTENCES[code] : undefined;
}

/** @type {(code: string, message: string) => boolean} Return whether an application has refused, in words of its own, with a code that is also ours. */
function isOfApplication(code, message) {
  return (code === "rate_limited" && !PROVIDER_MESSAGE.test(message)) || (code === "forbidden" && !message.includes("HEADRACE_"));
}

/** @type {(status: number) => [string, Action]} */
function sentenceForStatus(status) {
  if (status === 401 || status === 403) return SENTENCES.refused;
  if (status === 404 || status === 405) return SENTENCES.no_entrance;
  return status === 429 ? SENTENCES.rate_limited : [failedWith(status), "retry"];
}

/** @type {(error: Pick<ErrorEvent, "code" | "message"> & Partial<ErrorEvent>) => [string, Action]} */
function ownWords({ code, message, retryAfterSeconds }) {
  // The wait is counted down beside the text.
  const [, provider, reason = ""] = PROVIDER_FAILED_MESSAGE.exec(message) ?? [];
  const whole = provider ? providerFailed(provider, reason) : message;
  const text = retryAfterSeconds ? whole.replace(WAIT_SENTENCE, "").trim() : whole;
  return [text || message, FINAL_CODES.has(code) ? null : "retry"];
}

/**
 * Return whether the page may ask again by itself: the server cannot answer now, and nothing that has come would be lost.
 *
 * @type {(error: Partial<ErrorEvent>, circumstances: Circumstances) => boolean}
 */
function mayRetry({ status = 0, retryable = true, isResumable = false }, { hasBegun = false, automaticRetries = 0 }) {
  const isForNow = status === 408 || status === 425 || status === 429 || status >= 500;
  return isForNow && retryable && (isResumable || !hasBegun) && automaticRetries < MAX_AUTOMATIC_RETRIES;
}
