// Follows a stream with the npm package `eventsource` and writes a line of JSON for everything that happens.
// With "stay" it does not close at the end, and so comes back once more.
import { EventSource } from "eventsource";

const [url, mode] = process.argv.slice(2);
const source = new EventSource(url);
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const isEnd = ({ type, data }) => data === "[DONE]" || type === "cancelled" || (type === "error" && data !== undefined);

const take = (event) => {
  tell({ id: parseInt(event.lastEventId, 10), type: event.type, data: event.data });
  if (isEnd(event) && mode !== "stay") {
    source.close();
    tell({ closed: true });
  }
};

for (const name of ["message", "start", "usage", "cancelled"]) source.addEventListener(name, take);
source.addEventListener("error", (event) => {
  if (event.data !== undefined) return take(event);
  tell({ lost: true, status: event.code ?? null });
  if (source.readyState === EventSource.CLOSED) tell({ closed: true });
});
