// Runs chats with one version of the npm package `ai`, without a page: `node driver.mjs ai7`.
// Each line that comes in is one thing to do, `{"number", "do", …}`; each line that goes out says what came of it.
import { createInterface } from "node:readline";
import { ReadableStream } from "node:stream/web";

const VERSIONS = { ai5: ["ai5", "react5"], ai6: ["ai6", "react6"], ai7: ["ai", "@ai-sdk/react"] };
const [ofChats, ofPages] = VERSIONS[process.argv[2]];
const ofVersion = await import(ofChats);
const {
  AbstractChat,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
  uiMessageChunkSchema,
} = ofVersion;

// Where a connection is lost, Node says "terminated", and chats tell it by what browsers say.
const plainFetch = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const response = await plainFetch(...request);
  if (!response.body || !response.ok) return response;
  const reader = response.body.getReader();
  const pull = async (controller) => {
    const { done, value } = await reader.read().catch((error) => {
      throw error instanceof TypeError ? new TypeError("network error") : error;
    });
    done ? controller.close() : controller.enqueue(value);
  };
  const body = new ReadableStream({ pull, cancel: (reason) => reader.cancel(reason) });
  return new Response(body, { status: response.status, headers: response.headers });
};

// A chat whose messages a plain object keeps, as each framework keeps them in a way of its own.
class Chat extends AbstractChat {
  constructor({ messages = [], ...options }) {
    const state = {
      status: "ready",
      error: undefined,
      messages,
      pushMessage: (message) => void (state.messages = [...state.messages, message]),
      popMessage: () => void (state.messages = state.messages.slice(0, -1)),
      replaceMessage: (at, message) => void (state.messages = state.messages.with(at, structuredClone(message))),
      snapshot: (value) => structuredClone(value),
    };
    super({ ...options, state });
  }
}

const chats = new Map();

async function open({ chat, kind, base, id, body, messages, resume, answers, sends, approves }) {
  const received = { ends: [], data: [], calls: [], errors: [] };
  const shared = {
    id,
    messages,
    onFinish: ({ message: _, messages: __, ...end }) => received.ends.push(end),
    onData: (part) => received.data.push(part),
    onError: (error) => received.errors.push(error.message),
    onToolCall: ({ toolCall }) => void received.calls.push([toolCall.toolName, toolCall.input]),
    sendAutomaticallyWhen: answers ? isAnswered : sends ? sendsItself : undefined,
  };
  let opened;
  if (kind === "page") {
    const { showPage } = await import("./page.mjs");
    opened = await showPage(await import(ofPages), ofVersion, base, { ...shared, resume }, body, approves);
  } else {
    opened = () => plain;
    const plain = new Chat({ ...shared, transport: new DefaultChatTransport({ api: `${base}/ai/chat`, body }) });
  }
  chats.set(chat, { chat: opened, received });
}

const isAnswered = ({ messages }) => {
  const last = messages.at(-1);
  const step = last.parts.slice(last.parts.findLastIndex((part) => part.type === "step-start") + 1);
  const calls = step.filter((part) => part.type.startsWith("tool-"));
  return calls.length > 0 && calls.every((part) => part.state === "output-available");
};

// All that the SDK offers for it, at once.
const sendsItself = (chat) =>
  lastAssistantMessageIsCompleteWithToolCalls(chat) || !!lastAssistantMessageIsCompleteWithApprovalResponses?.(chat);

const of = (name) => chats.get(name).chat();

function look({ chat }) {
  const { messages, status, error, text } = of(chat);
  return { messages, status, error: error?.message ?? null, page: text, ...chats.get(chat).received };
}

// Reads one response of the given pieces of bytes, as a chat does.
async function read({ pieces }) {
  const bytes = pieces.map((piece) => Buffer.from(piece, "base64"));
  const body = new ReadableStream({
    pull: (controller) => (bytes.length ? controller.enqueue(bytes.shift()) : controller.close()),
  });
  const transport = new DefaultChatTransport({ api: "http://none/", fetch: async () => new Response(body) });
  const chat = new Chat({ transport, onError: () => {} });
  await chat.sendMessage({ text: "hi" });
  return { messages: chat.messages.slice(1), status: chat.status, error: chat.error?.message ?? null };
}

// The schema lies behind a function, or does not, depending on the version.
const schema = typeof uiMessageChunkSchema === "function" ? uiMessageChunkSchema() : uiMessageChunkSchema;

const TASKS = {
  open,
  look,
  read: async ({ responses }) => Promise.all(responses.map((pieces) => read({ pieces }))),
  check: async ({ frames }) => Promise.all(frames.map(async (frame) => (await schema.validate(frame)).success)),
  send: ({ chat, ...message }) => of(chat).sendMessage(message),
  regenerate: ({ chat, ...options }) => of(chat).regenerate(options),
  resume: ({ chat }) => of(chat).resumeStream(),
  answer: ({ chat, ...output }) => (of(chat).addToolOutput ?? of(chat).addToolResult)(output),
  answerFirst: ({ chat, ...approval }) => of(chat).answerFirst(approval),
  approve: ({ chat, ...approval }) => of(chat).addToolApprovalResponse(approval),
  stop: ({ chat }) => of(chat).stop(),
  stopForGood: ({ chat }) => of(chat).stopForGood(),
};

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

for await (const line of createInterface({ input: process.stdin })) {
  const { number, do: task, ...rest } = JSON.parse(line);
  (async () => tell({ number, result: (await TASKS[task](rest)) ?? null }))().catch((error) =>
    tell({ number, failed: error.stack }),
  );
}
process.exit();
