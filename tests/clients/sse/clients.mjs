// What users of the native protocol write, as it stands in the documentation.
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource } from "eventsource";
import { JSDOM } from "jsdom";
import NativeEventSource from "react-native-sse";
import { serve } from "../ai_data/lines.mjs";

const messages = [{ role: "user", content: "hi" }];

// Gives the clients what they find in a browser, or in React Native: a page of the service's own site.
const beAt = (base) => {
  const { window } = new JSDOM("<!doctype html>", { url: base });
  Object.assign(window, { fetch });
  Object.assign(globalThis, { window, document: window.document, XMLHttpRequest: window.XMLHttpRequest });
};

const texts = (note) => {
  const seen = [];
  const ended = (reason) => reason === "stop" || seen.push(`(${reason})`);
  return { seen, ended, show: (text) => (seen.push(text), note(text)) };
};

const posted = async ({ base, model, leaveAt }, note) => {
  beAt(base);
  const { seen, ended, show } = texts((text) => (note(text), text === leaveAt && controller.abort()));
  // docs: fetch-event-source
  const controller = new AbortController(); // its abort() stops the model
  let isWhole = false;
  await fetchEventSource(`${base}/api/chat`, {
    method: "POST",
    body: JSON.stringify({ model, messages }),
    signal: controller.signal,
    openWhenHidden: true, // or it asks anew when the tab is shown again
    async onopen(response) {
      if (!response.ok) throw new Error((await response.json()).error.message);
    },
    onmessage({ event, data }) {
      if (data === "[DONE]") isWhole = true;
      else if (event === "") show(JSON.parse(data).delta);
      else if (event === "end") ended(JSON.parse(data).finish_reason);
      else if (event === "error") throw new Error(JSON.parse(data).message);
    },
    onclose() {
      if (!isWhole) throw new Error("The answer is not whole.");
    },
    onerror(error) {
      throw error; // or it asks again and again
    },
  });
  // end docs
  return seen;
};

const native = ({ base, model, leaveAt }, note) =>
  new Promise((resolve, reject) => {
    beAt(base);
    const { default: EventSource } = NativeEventSource; // Metro's `import` gives it by itself
    const { seen, ended, show } = texts((text) => (note(text), text === leaveAt && source.close()));
    const fail = (why) => reject(new Error(why));
    // docs: react-native-sse
    //: import EventSource from "react-native-sse";
    //:
    const body = JSON.stringify({ model, messages });
    const source = new EventSource(`${base}/api/chat`, { method: "POST", body, pollingInterval: 0 });
    source.addEventListener("message", ({ data }) => {
      if (data === "[DONE]") source.close(); // which also stops the model, at any time
      else show(JSON.parse(data).delta);
    });
    source.addEventListener("end", ({ data }) => ended(JSON.parse(data).finish_reason));
    source.addEventListener("error", ({ data, message }) => fail(data ? JSON.parse(data).message : message));
    source.addEventListener("cancelled", () => fail("The answer was stopped."));
    // end docs
    source.addEventListener("close", () => resolve(seen));
  });

const followed = ({ base, model }, note) =>
  new Promise((resolve, reject) => {
    const { seen, ended, show } = texts(note);
    const fail = (why) => (reject(new Error(why)), opened.close());
    let opened;
    const follow = async () => {
      // docs: EventSource
      const body = JSON.stringify({ model, messages, resumable: true });
      const asked = await fetch(`${base}/api/chat`, { method: "POST", body });
      asked.body.cancel(); // the answer goes on, to be followed
      const source = new EventSource(`${base}/api/streams/${asked.headers.get("Headrace-Stream-Id")}`);
      source.onmessage = ({ data }) => (data === "[DONE]" ? source.close() : show(JSON.parse(data).delta));
      source.addEventListener("end", ({ data }) => ended(JSON.parse(data).finish_reason));
      source.addEventListener("error", ({ data }) => {
        if (data) fail(JSON.parse(data).message); // without data, it comes back by itself
      });
      source.addEventListener("cancelled", () => fail("The answer was stopped."));
      // end docs
      opened = source;
      source.addEventListener("message", ({ data }) => data === "[DONE]" && resolve(seen));
      source.addEventListener("error", ({ message }) => message && reject(new Error(message)));
    };
    follow().catch(reject);
  });

const fetched = async ({ base, model, resumable }, note) => {
  const { seen, ended, show } = texts(note);
  // docs: fetch
  const body = JSON.stringify({ model, messages, resumable });
  const response = await fetch(`${base}/api/chat`, { method: "POST", body });
  if (!response.ok) throw new Error((await response.json()).error.message);
  let rest = "", isWhole = false;
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const frames = (rest + piece).split(/\r?\n\r?\n/);
    rest = frames.pop();
    for (const frame of frames) {
      const [, name, data] = /^(?:id: .*\r?\n)?(?:event: (.*?)\r?\n)?data: (.*)$/.exec(frame) ?? [];
      if (name === "end") ended(JSON.parse(data).finish_reason);
      if (!name && data === "[DONE]") isWhole = true;
      else if (!name && data) show(JSON.parse(data).delta);
    }
  }
  if (!isWhole) throw new Error("The answer is not whole.");
  // end docs
  return seen;
};

serve({ posted, native, followed, fetched });
