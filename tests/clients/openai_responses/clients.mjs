// npm's clients of OpenAI's Responses protocol. Reads questions from its input, one JSON object a line: {"do": name,
// …fields}; answers each with one line, {"gave": value}, or {"threw": text} for what no test expects.
import { createInterface } from "node:readline";
import { createOpenAI } from "@ai-sdk/openai";
import { isStepCount, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const Sum = z.object({ terms: z.array(z.number()), total: z.number() });

const sdk = ({ baseURL }) => new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const aiSdk = ({ baseURL }) => createOpenAI({ baseURL, apiKey: "any" });

const questions = {
  async stream({ body, ...where }) {
    const got = { text: "", types: [] };
    for await (const event of await sdk(where).responses.create({ ...body, stream: true })) {
      got.types.push(event.type);
      if (event.type === "response.output_text.delta") got.text += event.delta;
      if (event.response) got.response = event.response;
    }
    return got;
  },

  async helper({ body, ...where }) {
    const stream = sdk(where).responses.stream(body);
    let text = "";
    stream.on("response.output_text.delta", ({ delta }) => (text += delta));
    const whole = (await stream.finalResponse()).output_text;
    return { text, whole };
  },

  async parsed({ body, ...where }) {
    const asked = { ...body, text: { format: zodTextFormat(Sum, "Sum") } };
    return (await sdk(where).responses.parse(asked)).output_parsed;
  },

  // Leaves after the first piece of text.
  async leave({ body, ...where }) {
    for await (const event of await sdk(where).responses.create({ ...body, stream: true })) {
      if (event.type === "response.output_text.delta") return event.delta;
    }
  },

  // A background response: looked at while it grows, cancelled, its stream resumed, and deleted.
  async background({ body, ...where }) {
    const { responses } = sdk(where);
    const seenOf = ({ status, output_text: text }) => ({ status, text });
    const { id, status: begun } = await responses.create({ ...body, background: true });
    for await (const event of await responses.retrieve(id, { stream: true })) {
      if (event.type === "response.output_text.delta") break;
    }
    const got = { begun, growing: seenOf(await responses.retrieve(id)), numbers: [], types: [] };
    got.cancelled = seenOf(await responses.cancel(id));
    for await (const event of await responses.retrieve(id, { stream: true, starting_after: 2 })) {
      got.numbers.push(event.sequence_number);
      got.types.push(event.type);
    }
    await responses.delete(id);
    got.gone = await responses.retrieve(id).catch((error) => error.status);
    return got;
  },

  // The AI SDK's own provider for OpenAI, which speaks this protocol unless it is told otherwise.
  async aiSdk({ model, ...where }) {
    const parts = [];
    const called = [];
    const find = tool({
      description: "Finds.",
      inputSchema: z.object({ q: z.string() }),
      execute: async (input) => (called.push(input), `found ${input.q}`),
    });
    const result = streamText({
      model: aiSdk(where)(model),
      prompt: "hi",
      tools: { find },
      stopWhen: isStepCount(3),
      maxRetries: 0,
      providerOptions: { openai: { store: false } },
      onError: () => {},
    });
    for await (const part of result.stream ?? result.fullStream) parts.push(part.type);
    return { text: await result.text, usage: await result.totalUsage, finish: await result.finishReason, parts, called };
  },

  async aiSdkFailing({ model, ...where }) {
    const got = { text: "" };
    const result = streamText({ model: aiSdk(where)(model), prompt: "hi", maxRetries: 0, onError: () => {} });
    for await (const part of result.stream ?? result.fullStream) {
      if (part.type === "text-delta") got.text += part.text;
      if (part.type === "error") got.error = JSON.stringify(part.error) + String(part.error?.message ?? "");
    }
    return got;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...fields } = JSON.parse(line);
  let reply;
  try {
    reply = { gave: (await questions[name](fields)) ?? null };
  } catch (error) {
    reply = { threw: error.stack };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
