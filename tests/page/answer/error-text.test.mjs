/** What a failure means to the person at the page: one sentence, at most one wait, and what to do. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { describeError } from "../../../flask_headrace/static/answer/error-text.js";

const failure = (code, message, status, more = {}) => ({ type: "error", code, message, status, retryable: true, retryAfterSeconds: null, ...more });
const BEARER = "Send one of this service's keys as 'Authorization: Bearer <key>', or in 'x-api-key'.";

test("a key that is wanted, and one that is wrong, are told without headers", () => {
  const error = failure("unauthorized", BEARER, 401);
  for (const hasKey of [undefined, false, true]) {
    const { text, action, detail } = describeError(error, { hasKey });
    assert.doesNotMatch(text, /Authorization|Bearer|x-api-key/);
    assert.match(text, hasKey ? /does not accept/ : /asks for a key/);
    assert.deepEqual([action, detail], ["key", BEARER]);
  }
});

test("an application's login has its own words", () => {
  const { text, action } = describeError(failure("unauthorized", "Sign in, and load this page again.", 401));
  assert.deepEqual([text, action], ["Sign in, and load this page again.", "retry"]);
});

for (const [code, message, status] of [
  ["rate_limited", "You may ask 5 questions an hour. Try again in 2 minutes.", 429],
  ["rate_limited", "OpenAI refused the request with status 429: Rate limit reached for gpt-5 on tokens per min. Please try again in 7.2s. Visit https://example.com.", 429],
  ["too_many_streams", "All 3 streams of this worker are in use. Try again soon.", 503],
  ["too_many_streams", "You have 3 streams open on this worker, the maximum for one owner. Close one of them, or retry soon.", 429],
  ["shutting_down", "This worker is shutting down. Try again in a moment.", 503],
  ["model_unavailable", "All models of smart have failed lately and are not called. Try again in 2 s.", 503],
  ["store_unavailable", "The store sqlite cannot be used: locked. Please retry in 1.5 s", 503],
  ["some_code_of_an_application", "Your plan allows 5 questions an hour. Try again in 2 minutes.", 429],
  ["some_code_of_an_application", "Try again in 2 minutes.", 429],
]) {
  test(`one wait is told for ${code}: ${message.slice(0, 30)}`, () => {
    const advice = describeError(failure(code, message, status, { retryAfterSeconds: 1.2 }));
    if (message !== "Try again in 2 minutes.") assert.doesNotMatch(advice.text, /try again|retry/i);
    assert.match(advice.text, /\.$/);
    assert.deepEqual([advice.action, advice.waitSeconds, advice.isAutomatic], ["retry", 2, true]);
  });
}

for (const [name, error, action, words] of [
  ["a provider's context", failure("upstream_invalid_request", "OpenAI refused the request with status 400: maximum context length is 8192 tokens.", 400), "shorten", /too long/],
  ["a provider's 413", failure("upstream_too_large", "too large", 413), "shorten", /too long/],
  ["the body's limit", failure("body_too_large", "The body is longer than 1048576 bytes.", 413), "shorten", /larger/],
  ["a proxy's limit", failure("http_413", "The server refused with status 413.", 413), "shorten", /larger/],
  ["the number of turns", failure("invalid_request", "messages has 1041 turns: 1000 is the maximum.", 400), "shorten", /larger/],
  ["the number of items", failure("invalid_request", "The body has more than 5000 items.", 400), "shorten", /larger/],
  ["an unknown model", failure("model_not_found", "No model 'x' is offered here: GET /api/models lists those that are.", 404), "retry", /Choose another/],
  ["the provider's key", failure("upstream_unauthorized", "OpenAI refused the request with status 401. Check the key that the service uses for it.", 401), null, /key of this service/],
  ["an empty account", failure("rate_limited", "OpenAI refused the request with status 429: You exceeded your current quota.", 429, { retryable: false }), null, /no credit/],
  ["no model", failure("model_unavailable", "There is no model. Set OPENAI_API_KEY or ANTHROPIC_API_KEY. None is installed.", 503), null, /If you run it/],
  ["a foreign host", failure("forbidden", "A page of x may not use this service. Add its origin to HEADRACE_CORS_ORIGINS.", 403), null, /address of this page/],
  ["a gateway's failure", failure("http_522", "The server refused with status 522.", 522), "retry", /status 522/],
  ["a provider that is down", failure("upstream_failed", "openai refused the request with status 503: No capacity.", 502), "retry", /^The model's provider, openai, has failed: No capacity\.$/],
  ["a provider that says nothing", failure("upstream_failed", "openai refused the request with status 500.", 502), "retry", /^The model's provider, openai, has failed\.$/],
  ["a provider that is away", failure("upstream_unreachable", "openai could not be reached: refused. Try again.", 502), "retry", /^openai could not be reached: refused\. Try again\.$/],
  ["a restart", failure("shutting_down", "The service is restarting. Try again in a moment."), "retry", /^The service is restarting\.$/],
  ["a worker that died", failure("worker_lost", "The worker that produced this answer died before its end. Send the request again."), "retry", /died before its end\.$/],
  ["a gateway's 403", failure("http_403", "The server refused with status 403.", 403), "retry", /sign in/],
  ["a question that cannot work", failure("invalid_request", "temperature must be at most 2.", 400), null, /temperature must be at most 2\./],
  ["an unknown code", failure("quota_of_the_team", "Your team has asked enough today.", 402), "retry", /^Your team has asked enough today\.$/],
  ["an application's limit", failure("rate_limited", "You may ask 5 questions an hour.", 429), "retry", /^You may ask 5/],
  ["an application's refusal", failure("forbidden", "Your account is closed.", 403), "retry", /^Your account is closed\.$/],
  ["a name of every object", failure("constructor", "Own words.", 400), "retry", /^Own words\.$/],
]) {
  test(`${name} is told in words for a person, with what to do`, () => {
    const advice = describeError(error);
    assert.match(advice.text, words);
    assert.deepEqual([advice.action, advice.isAutomatic], [action, false]);
    assert.equal(advice.detail, advice.text === error.message ? "" : error.message);
  });
}

test("an answer that can be resumed is told so", () => {
  const error = failure("cut", "The connection was lost and did not come back in time.");
  assert.match(describeError({ ...error, isResumable: true }).text, /did not come back in time\. The answer can still go on/);
  assert.doesNotMatch(describeError(error).text, /still go on/);
});

test("the page asks again by itself only where that helps and nothing is lost", () => {
  const busy = failure("too_many_streams", "Busy.", 503, { retryAfterSeconds: 2 });
  const automatic = (error, circumstances) => describeError(error, circumstances).isAutomatic;
  assert.ok(automatic(busy));
  assert.ok(automatic({ ...busy, code: "http_503" }));
  assert.ok(automatic({ ...busy, code: "upstream_overloaded", status: 529 }));
  assert.ok(!automatic({ ...busy, retryAfterSeconds: null }), "no wait is named");
  assert.ok(!automatic({ ...busy, retryAfterSeconds: 3600 }), "too long to wait for unasked");
  assert.ok(!automatic({ ...busy, retryable: false }));
  assert.ok(!automatic({ ...busy, status: 403 }));
  assert.ok(!automatic({ ...busy, status: undefined }), "an answer that broke off");
  assert.ok(!automatic(busy, { hasBegun: true }));
  assert.ok(automatic({ ...busy, isResumable: true }, { hasBegun: true }));
  assert.deepEqual([0, 1, 2, 3, 4].map((automaticRetries) => automatic(busy, { automaticRetries })), [true, true, true, false, false]);
});
