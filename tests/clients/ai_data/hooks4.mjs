// The React hooks of the AI SDK 4.3.
import { experimental_useObject as useObject, useChat, useCompletion } from "ai-react4";
import { jsonSchema } from "ai4";
import { serve } from "./lines.mjs";
import { mount } from "./page.mjs";

const useOwnChat = (base, model, options) => {
  // docs: useChat of the AI SDK 3.4 to 4.3
  const chat = useChat({ api: `${base}/ai/v4/chat`, body: { model }, ...options });
  // end docs
  return chat;
};

const useOwnCompletion = (base, model, options) => {
  // docs: useCompletion of the AI SDK 3.4 to 4.3
  const completion = useCompletion({ api: `${base}/ai/v4/completion`, body: { model }, ...options });
  // end docs
  return completion;
};

const useOwnObject = (base, schema, options) => {
  // docs: useObject of the AI SDK 4
  const object = useObject({ api: `${base}/ai/object`, schema, ...options });
  // end docs
  return object;
};

const isSettled = ({ status }) => status === "ready" || status === "error";

const toldOf = ({ messages, status, error }) => ({ messages, status, error: error?.message ?? null });

const chat = async ({ base, model, text, attachments, stopAt, noteAt, results, resume, again, ...options }, note) => {
  const finishes = [];
  let answered;
  const hasAnswered = new Promise((resolve) => (answered = resolve));
  const page = await mount(() =>
    useOwnChat(base, model, {
      onResponse: () => answered(),
      onFinish: (message, finish) => finishes.push(finish.finishReason),
      onToolCall: ({ toolCall }) => results?.[toolCall.toolName],
      ...options,
    }),
  );
  const shown = (wanted) => page.until(({ messages }) => messages.at(-1)?.content.includes(wanted));
  if (stopAt) shown(stopAt).then(() => page.state.stop());
  if (noteAt) shown(noteAt).then(() => note(noteAt));
  if (resume) await page.state.experimental_resume();
  else await page.state.append({ role: "user", content: text }, { experimental_attachments: attachments });
  await hasAnswered; // `experimental_resume` does not wait for what it does
  await page.settled();
  await page.until(isSettled);
  if (again) {
    await page.state.append({ role: "user", content: again });
    await page.settled();
    await page.until(isSettled);
  }
  page.unmount();
  return { ...toldOf(page.state), finishes };
};

const completion = async ({ base, model, prompt, stopAt, ...options }) => {
  const finished = [];
  const page = await mount(() =>
    useOwnCompletion(base, model, { onFinish: (asked, text) => finished.push(text), ...options }),
  );
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
    useOwnObject(base, jsonSchema(schema), { onFinish: ({ object }) => finished.push(object), ...options }),
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
