/**
 * The list of the service's models, loaded until it is there.
 *
 * Knows `GET /api/models`, and keeps the last list for a page that cannot have it. Does not know the DOM, nor which model is
 * chosen.
 */

import { describeError } from "../answer/error-text.js";
import { Backoff } from "../network/backoff.js";
import { waitForNetwork } from "../network/network-wait.js";
import { errorEvent, errorFromResponse } from "../network/stream.js";

/** @import { ErrorEvent } from "../network/stream.js" */

/**
 * @typedef {{id: string, name: string, provider: string, embedded?: boolean, display_name?: string, context_window?: number,
 *   max_output_tokens?: number, capabilities?: Record<string, boolean>}} Model
 *
 * `loading` before the first answer, and again while a list is loaded anew; `ready` with the service's list, which may be
 * empty; `unauthorized` where the service wants a key; `failed` while the list cannot be had, and is asked for again.
 * @typedef {"loading" | "ready" | "unauthorized" | "failed"} ModelListState
 *
 * @typedef {object} ModelListOptions
 * @property {string} url address of the list
 * @property {() => Record<string, string>} [headers] returns the headers that authorize a request
 * @property {{read: (key: string) => unknown, write: (key: string, value: unknown) => unknown}} storage keeps the last list
 * @property {typeof globalThis.fetch} [fetch]
 * @property {Backoff} [backoff] delays between requests
 * @property {(delayMs: number, signal?: AbortSignal, minDelayMs?: number) => Promise<void>} [wait] by default for the network
 */

/** A list that has not come within this time does not come: a service may ask its providers, and import their SDKs. */
const TIMEOUT_MS = 60_000;

/** The list is asked for again until it is there; not more often than this, also where the browser is online again. */
const MIN_DELAY_MS = 500;
const MAX_DELAY_MS = 60_000;

/** So many models are kept of a long list: a browser stores little. */
const MAX_KEPT_MODELS = 1000;

const MALFORMED = errorEvent({ code: "malformed", message: "The server sent something that is no list of models." });
const UNREACHABLE = errorEvent({ code: "unreachable", message: "The server cannot be reached." });

/** The models of the service. */
export class ModelList {
  /** @type {Model[]} The models; those of the last visit until the service's own list is there. */
  models = [];
  /** @type {string | null} The id of the model that answers where none is named; null where there is none, or it is unknown. */
  default = null;
  /** @type {ModelListState} */
  state = "loading";
  /** @type {ErrorEvent | null} Why the list cannot be had. */
  error = null;
  /** Whether `models` are those of an earlier visit. */
  isKept = false;
  /** @type {() => void} Called after each change. */
  onChange = () => {};
  /** @type {AbortController | null} Ends the loading. */
  #loading = null;

  /** @param {ModelListOptions} options */
  constructor({ url, headers = () => ({}), storage, fetch = globalThis.fetch.bind(globalThis), backoff, wait = waitForNetwork }) {
    this.url = url;
    this.headers = headers;
    this.storage = storage;
    this.fetch = fetch;
    this.wait = wait;
    this.backoff = backoff ?? new Backoff({ initialDelayMs: 1000, maxDelayMs: MAX_DELAY_MS, maxElapsedMs: Infinity });
    const kept = storage.read("models");
    if (isList(kept)) Object.assign(this, { models: kept.models, default: kept.default, isKept: true });
  }

  /**
   * Load the list, and try again until it is there or the service wants a key. Called again, as after a key was entered, it begins
   * anew.
   *
   * @returns {Promise<void>} resolves when the list is there, or a key is wanted, or the loading was begun anew
   */
  async load() {
    this.#loading?.abort();
    const { signal } = (this.#loading = new AbortController());
    this.backoff.reset();
    this.#change("loading", null);
    for (;;) {
      const found = await this.#request(signal);
      if (signal.aborted) return;
      if (isList(found)) return this.#fill(found);
      // A reader may sign in to an application in another tab; a key is given here.
      const isKeyWanted = describeError(found).action === "key";
      this.#change(isKeyWanted ? "unauthorized" : "failed", found);
      if (isKeyWanted) return;
      const minDelayMs = Math.max(MIN_DELAY_MS, (found.retryAfterSeconds ?? 0) * 1000);
      await this.wait(this.backoff.nextDelay(minDelayMs) ?? MAX_DELAY_MS, signal, minDelayMs);
      if (signal.aborted) return;
    }
  }

  /**
   * @param {AbortSignal} loading
   * @returns {Promise<{default: string | null, models: Model[]} | ErrorEvent>}
   */
  async #request(loading) {
    const limit = new AbortController();
    const end = () => limit.abort();
    const timer = setTimeout(end, TIMEOUT_MS);
    loading.addEventListener("abort", end);
    try {
      const headers = { Accept: "application/json", ...this.headers() };
      const response = await this.fetch(this.url, { headers, signal: limit.signal });
      if (!response.ok) return (await errorFromResponse(response, limit.signal)) ?? MALFORMED;
      const list = await response.json();
      return isList(list) ? list : MALFORMED;
    } catch (error) {
      return error instanceof SyntaxError ? MALFORMED : UNREACHABLE;
    } finally {
      clearTimeout(timer);
      loading.removeEventListener("abort", end);
    }
  }

  /** @param {{default: string | null, models: Model[]}} list */
  #fill({ default: defaultId, models }) {
    Object.assign(this, { models, default: defaultId, isKept: false });
    this.storage.write("models", { default: defaultId, models: models.slice(0, MAX_KEPT_MODELS) });
    this.#change("ready", null);
  }

  /** @type {(state: ModelListState, error: ErrorEvent | null) => void} */
  #change(state, error) {
    this.state = state;
    this.error = error;
    this.onChange();
  }
}

/**
 * @param {unknown} value
 * @returns {value is {default: string | null, models: Model[]}}
 */
function isList(value) {
  const models = /** @type {{models?: unknown} | null} */ (value)?.models;
  return Array.isArray(models) && models.every((model) => typeof model?.id === "string");
}
