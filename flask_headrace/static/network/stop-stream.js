/**
 * Stopping an answer wherever it is made.
 *
 * Knows `DELETE /api/streams/<id>`, and that the network may be away when a reader says stop.
 */

import { Backoff } from "./backoff.js";
import { pause } from "./network.js";

/** Milliseconds in which a question that was on its way when it was stopped arrives, or never does. */
const ARRIVAL = 3000;

/**
 * Stop the stream at `url`; tries again while the server cannot be reached, and gives up in the end.
 * `isBegun` says whether the server is known to have the stream: if not, the question may arrive after the stop.
 */
export async function stop(url, { isBegun, headers = {}, fetch = globalThis.fetch, wait = pause, backoff = new Backoff() }) {
  const arrival = new Backoff({ least: 500, limit: ARRIVAL, now: backoff.now, random: backoff.random });
  for (;;) {
    const status = await attempt(fetch, url, headers);
    const isAway = status === null || status >= 500 || status === 429;
    const isEarly = status === 404 && !isBegun;
    if (!isAway && !isEarly) return;
    const delay = isEarly ? arrival.next(250) : backoff.next();
    if (delay === null) return;
    await wait(delay);
  }
}

async function attempt(fetch, url, headers) {
  try {
    // It must go out also where the page is closed in the next moment.
    const response = await fetch(url, { method: "DELETE", headers, keepalive: true });
    return response.status;
  } catch {
    return null;
  }
}
