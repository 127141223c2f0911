/**
 * Stopping a stream on the server, in whichever worker it runs.
 *
 * Knows `DELETE /api/streams/<id>`, and that the network may be down when the reader presses stop.
 */

import { Backoff } from "./backoff.js";
import { waitForNetwork } from "./network-wait.js";

/** A question that was being sent when its stop overtook it arrives within this time, or never. */
const MAX_ARRIVAL_MS = 3000;

/** A connection on which a stop is not answered for so long counts as lost: the stop is sent again on another one. */
const ANSWER_TIMEOUT_MS = 5000;

/** What a service answers to a stop: the stream is stopped, or is gone, or may not or cannot be stopped. */
const FINAL_STATUSES = new Set([204, 400, 401, 403, 404, 405, 410, 501]);

/**
 * Stop a stream. Retries while the server cannot be reached, and gives up silently in the end.
 *
 * @param {string} url address of the stream, `…/api/streams/<id>`
 * @param {object} options
 * @param {boolean} options.isAccepted whether the server has answered the question: if not, the question may arrive after the stop
 * @param {(delayMs: number) => Promise<void>} [options.wait] waits before the next attempt; by default for the network
 * @param {Record<string, string>} [options.headers] headers to authorize the request
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {Backoff} [options.backoff] delays while the server cannot be reached
 * @returns {Promise<void>} resolves when the stream is stopped, or cannot be
 */
export async function stopStream(
  url,
  { isAccepted, wait = waitForNetwork, headers = {}, fetch = globalThis.fetch, backoff = new Backoff() },
) {
  const { now, random } = backoff;
  const arrival = new Backoff({ initialDelayMs: 500, maxElapsedMs: MAX_ARRIVAL_MS, now, random });
  for (;;) {
    const status = await deleteStatus(fetch, url, headers);
    // A login's page, a gateway and a firewall say nothing about the stream.
    const isAway = status === null || !FINAL_STATUSES.has(status);
    const isEarly = status === 404 && !isAccepted;
    if (!isAway && !isEarly) return;
    const delayMs = isEarly ? arrival.nextDelay(250) : backoff.nextDelay();
    if (delayMs === null) return;
    await wait(delayMs);
  }
}

/**
 * Send one DELETE, and return the status of its response; null where the server cannot be reached.
 *
 * @param {typeof globalThis.fetch} fetch
 * @param {string} url
 * @param {Record<string, string>} headers
 */
async function deleteStatus(fetch, url, headers) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ANSWER_TIMEOUT_MS);
  try {
    // `keepalive` sends the request also where the page is closed in the next moment.
    const response = await fetch(url, { method: "DELETE", headers, keepalive: true, signal: controller.signal });
    // The body of a refusal would keep the connection.
    response.body?.cancel().catch(() => {});
    return response.status;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
