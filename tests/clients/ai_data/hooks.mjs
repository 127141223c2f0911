// The React hooks of the AI SDK 5, 6 or 7 beside `useChat` and its UI message stream: `node hooks.mjs react5 ai5`.
import { serve } from "./lines.mjs";
import { mount } from "./page.mjs";

const [react, ai] = process.argv.slice(2);
const { useChat, useCompletion, experimental_useObject: useObject } = await import(react);
const { jsonSchema, TextStreamChatTransport } = await import(ai);

const useOwnChat = (base, model, options) => {
  // docs: useChat of the AI SDK 5 and later, plain text
  //: import { useChat } from "@ai-sdk/react";
  //: import { TextStreamChatTransport } from "ai";
  //:
  const chat = useChat({ transport: new TextStreamChatTransport({ api: `${base}/ai/text`, body: { model } }), ...options });
  // end docs
  return chat;
};

const useOwnCompletion = (base, model, options) => {
  // docs: useCompletion of the AI SDK 5 and later
  //: import { useCompletion } from "@ai-sdk/react";
  //:
  const completion = useCompletion({ api: `${base}/ai/completion`, body: { model }, ...options });
  // end docs
  return completion;
};

const useOwnText = (base, model, options) => {
  // docs: useCompletion of any AI SDK, plain text
  //: import { useCompletion } from "@ai-sdk/react";
  //:
  const completion = useCompletion({ api: `${base}/ai/text`, streamProtocol: "text", body: { model }, ...options });
  // end docs
  return completion;
};

const useOwnObject = (base, schema, options) => {
  // docs: useObject of the AI SDK 5 and later
  //: import { experimental_useObject as useObject } from "@ai-sdk/react";
  //:
  const object = useObject({ api: `${base}/ai/object`, schema, ...options });
  // end docs
  return object;
};

const chat = async ({ base, model, texts, stopAt }) => {
  const page = await mount(() => useOwnChat(base, model));
  const textOf = ({ messages }) => (messages.at(-1)?.parts ?? []).map(({ text }) => text ?? "").join("");
  if (stopAt) page.until((state) => textOf(state).includes(stopAt)).then(() => page.state.stop());
  for (const text of texts) {
    await page.state.sendMessage({ text });
    await page.settled();
    await page.until(({ status }) => status === "ready" || status === "error");
  }
  const { messages, status, error } = page.state;
  page.unmount();
  return { messages, status, error: error?.message ?? null };
};

const completion = async ({ base, model, prompt, isText, stopAt }) => {
  const finished = [];
  const useOne = isText ? useOwnText : useOwnCompletion;
  const page = await mount(() => useOne(base, model, { onFinish: (asked, text) => finished.push(text) }));
  if (stopAt) page.until((state) => state.completion.includes(stopAt)).then(() => page.state.stop());
  await page.state.complete(prompt);
  await page.settled();
  const { completion: text, error } = await page.until(({ isLoading }) => !isLoading);
  page.unmount();
  return { text, error: error?.message ?? null, finished };
};

const object = async ({ base, input, schema, stopAt, ...options }) => {
  const finished = [];
  const seen = [];
  const page = await mount(() =>
    useOwnObject(base, jsonSchema(schema), { onFinish: ({ object }) => void finished.push(object), ...options }),
  );
  page.until(({ object }) => (object !== undefined && seen.push(object), false));
  if (stopAt) page.until(({ object }) => JSON.stringify(object ?? null).includes(stopAt)).then(() => page.state.stop());
  await page.state.submit(input);
  await page.settled();
  const state = await page.until(({ isLoading }) => !isLoading);
  page.unmount();
  return { object: state.object, error: state.error?.message ?? null, finished, seen };
};

serve({ chat, completion, object });
