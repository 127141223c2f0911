// Speaks to a service through npm's clients of Anthropic's messages API. Each line in names a task and holds what it is
// given; each line out is what came of it.
import { createInterface } from "node:readline";
import Anthropic from "@anthropic-ai/sdk";
import { ChatAnthropic } from "@langchain/anthropic";

const apiKey = "any";

const errorFields = ({ constructor, message, status, type, errorCode, error }) => ({
  name: constructor.name,
  status: status ?? null,
  type: type ?? error?.error?.type ?? null,
  code: errorCode ?? null,
  message,
});

// The way in which the SDK's readers take a stream, with all that they tell on it.
async function heard(stream) {
  const texts = [];
  const blocks = [];
  stream.on("text", (text) => texts.push(text));
  stream.on("contentBlock", (block) => blocks.push(block));
  try {
    return { texts, blocks, message: await stream.finalMessage() };
  } catch (error) {
    return { texts, blocks, error: errorFields(error) };
  }
}

const tasks = {
  async streamed({ baseURL, model }) {
    const messages = [{ role: "user", content: "Hello" }];
    const texts = [];
    // docs: Anthropic SDK (Node)
    const client = new Anthropic({ baseURL, apiKey });
    const stream = client.messages.stream({ model, max_tokens: 1024, messages });
    stream.on("text", (text) => texts.push(text));
    const message = await stream.finalMessage();
    // end docs
    return { texts, message };
  },

  async asked({ baseURL, ...params }) {
    const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
    return heard(client.messages.stream({ max_tokens: 1024, messages: [{ role: "user", content: "hi" }], ...params }));
  },

  async whole({ baseURL, ...params }) {
    const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
    try {
      const messages = [{ role: "user", content: "hi" }];
      return { message: await client.messages.create({ max_tokens: 1024, messages, ...params }) };
    } catch (error) {
      return { error: errorFields(error) };
    }
  },

  async left({ baseURL, model }) {
    const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
    const messages = [{ role: "user", content: "hi" }];
    const stream = await client.messages.create({ model, max_tokens: 1024, messages, stream: true });
    for await (const event of stream) if (event.type === "content_block_delta") return { text: event.delta.text };
  },

  async counted({ baseURL, model }) {
    const client = new Anthropic({ baseURL, apiKey });
    return client.messages.countTokens({ model, messages: [{ role: "user", content: "hi" }] });
  },

  // Reads a stream that no server sent: the pieces of its bytes are given, in base64.
  async read({ pieces }) {
    const body = ReadableStream.from(pieces.map((piece) => Buffer.from(piece, "base64")));
    const headers = { "content-type": "text/event-stream" };
    const client = new Anthropic({ apiKey, maxRetries: 0, fetch: async () => new Response(body, { headers }) });
    return heard(client.messages.stream({ model: "m", max_tokens: 9, messages: [] }));
  },

  async chatted({ baseURL, model }) {
    const texts = [];
    // docs: LangChain.js (@langchain/anthropic)
    const chat = new ChatAnthropic({ anthropicApiUrl: baseURL, apiKey, model });
    for await (const chunk of await chat.stream("Hello")) texts.push(chunk.text);
    // end docs
    return { texts };
  },

  async chained({ baseURL, model, messages, tools, thinking }) {
    const options = { anthropicApiUrl: baseURL, apiKey, model, maxRetries: 0, ...(thinking ? { thinking } : {}) };
    const chat = new ChatAnthropic(options).bindTools(tools ?? []);
    let answer;
    try {
      for await (const chunk of await chat.stream(messages)) answer = answer ? answer.concat(chunk) : chunk;
    } catch (error) {
      return { text: answer?.text ?? "", error: errorFields(error) };
    }
    const { text, tool_calls: calls, usage_metadata: usage, additional_kwargs: more } = answer;
    return { text, calls, usage, stopReason: more.stop_reason, content: answer.content };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...given } = JSON.parse(line);
  const came = await tasks[task](given).catch((error) => ({ thrown: String(error.stack) }));
  process.stdout.write(JSON.stringify(came) + "\n");
}
