// The readers of the data stream in the AI SDK 3.4, 4.0 or 4.3, below its hooks: `node calls.mjs 3.4`.
import { createRequire } from "node:module";
import { serve } from "./lines.mjs";

const load = {
  "3.4": () => import("ai-utils34"),
  "4.0": () => import("ai-utils40"),
  "4.3": () => createRequire(import.meta.resolve("ai4"))("@ai-sdk/ui-utils"),
}[process.argv[2]];
const { callChatApi, callCompletionApi } = await load();

// Answers like `fetch` with bytes that come in pieces, and an end that may be no proper one.
const canned = (base64, size, isBroken) => {
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, "base64");
  let at = 0;
  const pull = (controller) => {
    if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += size)));
    else if (isBroken) controller.error(new TypeError("terminated"));
    else controller.close();
  };
  return async () => new Response(new ReadableStream({ pull }));
};

const chat = async ({ api = "http://canned.invalid/", messages = [], bytes, size = 1, isBroken, stopAt, ...options }) => {
  const result = { message: {}, messages: 0, content: "", calls: [], finish: null, error: null, status: null };
  const aborting = new AbortController();
  await callChatApi({
    api,
    fetch: canned(bytes, size, isBroken),
    abortController: () => aborting,
    restoreMessagesOnFailure() {},
    generateId: () => "own-id",
    lastMessage: messages.at(-1),
    onResponse: (response) => void (result.status = response.status),
    onUpdate(update) {
      // Before 4.1 there is a list of messages, one for each step.
      const all = Array.isArray(update) ? update : [update.message];
      result.messages = all.length;
      result.message = all.at(-1) ?? result.message;
      result.content = all.map(({ content }) => content).join("");
      result.calls = all.flatMap(({ toolInvocations }) => toolInvocations ?? []);
      result.data = Array.isArray(update) ? (result.data ?? []) : (update.data ?? []);
      if (stopAt && result.message.content?.includes(stopAt)) aborting.abort();
    },
    onFinish: (message, finish) => void (result.finish = finish),
    ...options,
    body: { id: "chat", messages, ...options.body },
  }).catch((error) => {
    result.error = { name: error.name, message: error.message };
  });
  return result;
};

const completion = async ({ bytes, size = 1, isBroken, ...options }) => {
  const result = { text: "", finished: null, error: null };
  await callCompletionApi({
    fetch: canned(bytes, size, isBroken),
    setCompletion: (text) => void (result.text = text),
    setLoading() {},
    setAbortController() {},
    setError: (error) => void (result.error = error?.message ?? null),
    onFinish: (prompt, text) => void (result.finished = text),
    ...options,
  });
  return result;
};

serve({ chat, completion });
