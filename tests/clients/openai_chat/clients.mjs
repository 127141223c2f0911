// npm's clients of OpenAI's protocol. Reads questions from its input, one JSON object a line: {"do": name, …fields};
// answers each with one line, {"gave": value}, or {"threw": text} for what no test expects.
import { createInterface } from "node:readline";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { Stream } from "openai/streaming";
import { z } from "zod";

const Sum = z.object({ terms: z.array(z.number()), total: z.number() });

const sdk = ({ baseURL, apiKey = "any" }) => new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const langchain = ({ baseURL, model, ...fields }) =>
  new ChatOpenAI({ model, apiKey: "any", maxRetries: 0, configuration: { baseURL }, ...fields });

// What an error is to the one who catches it.
const errorFields = (error) => ({
  kind: error.constructor.name,
  status: error.status,
  code: error.code,
  type: error.type,
  retryAfter: error.headers?.get?.("retry-after"),
});

// A stream's chunks put together, and the error that it ended with.
async function gather(chunks) {
  const got = { text: "", reasoning: "", calls: [], models: [] };
  try {
    for await (const chunk of chunks) {
      for (const { delta, finish_reason: finish } of chunk.choices) {
        got.text += delta.content ?? "";
        got.reasoning += delta.reasoning_content ?? "";
        for (const { index, id, function: called } of delta.tool_calls ?? []) {
          got.calls[index] ??= { id, name: called.name, arguments: "" };
          got.calls[index].arguments += called.arguments;
        }
        got.finish = finish ?? got.finish;
      }
      got.usage = chunk.usage ?? got.usage;
      if (!got.models.includes(chunk.model)) got.models.push(chunk.model);
    }
  } catch (error) {
    got.error = errorFields(error);
  }
  return got;
}

const questions = {
  async stream({ body, ...where }) {
    return gather(await sdk(where).chat.completions.create({ ...body, stream: true }));
  },

  async whole({ body, ...where }) {
    return sdk(where).chat.completions.create(body);
  },

  async refused({ body, ...where }) {
    return sdk(where).chat.completions.create(body).then(() => "not refused", errorFields);
  },

  // Leaves after the first piece of text.
  async leave({ body, ...where }) {
    const stream = await sdk(where).chat.completions.create({ ...body, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta?.content) return chunk.choices[0].delta.content;
    }
  },

  async helper({ body, ...where }) {
    const stream = sdk(where).chat.completions.stream(body);
    let text = "";
    stream.on("content", (delta) => (text += delta));
    const completion = await stream.finalChatCompletion();
    return { text, completion };
  },

  async parsed({ body, ...where }) {
    const asked = { ...body, response_format: zodResponseFormat(Sum, "Sum") };
    return (await sdk(where).chat.completions.parse(asked)).choices[0].message.parsed;
  },

  // The SDK itself calls the tool and asks again, until the answer is text.
  async tools({ body, ...where }) {
    const called = [];
    const find = { name: "find", parse: JSON.parse, parameters: { type: "object" }, function: (args) => called.push(args) };
    const asked = { ...body, stream: true, tools: [{ type: "function", function: find }] };
    return { text: await sdk(where).chat.completions.runTools(asked).finalContent(), called };
  },

  async models(where) {
    const listed = [];
    for await (const model of sdk(where).models.list()) listed.push(model.id);
    return { listed, one: await sdk(where).models.retrieve(listed[0]) };
  },

  // Streams that are given as pieces of bytes, in base64, read by the SDK's own parser.
  async read({ streams }) {
    return Promise.all(
      streams.map((pieces) => {
        const body = ReadableStream.from(pieces.map((piece) => Buffer.from(piece, "base64")));
        return gather(Stream.fromSSEResponse(new Response(body), new AbortController()));
      }),
    );
  },

  async langchainStream(where) {
    let whole;
    for await (const chunk of await langchain(where).stream("hi")) whole = whole?.concat(chunk) ?? chunk;
    return { text: whole.text, usage: whole.usage_metadata, finish: whole.response_metadata.finish_reason };
  },

  async langchainLeave(where) {
    for await (const chunk of await langchain(where).stream("hi")) if (chunk.text) return chunk.text;
  },

  async langchainRefused(where) {
    return langchain(where).invoke("hi").then(() => "not refused", errorFields);
  },

  async langchainFailing(where) {
    let text = "";
    try {
      for await (const chunk of await langchain(where).stream("hi")) text += chunk.text;
    } catch (error) {
      return { text, error: errorFields(error) };
    }
  },

  async langchainTools(where) {
    const find = tool(({ q }) => `found ${q}`, { name: "find", schema: z.object({ q: z.string() }) });
    const chat = langchain(where).bindTools([find]);
    const messages = [new HumanMessage("hi")];
    let called;
    for await (const chunk of await chat.stream(messages)) called = called?.concat(chunk) ?? chunk;
    messages.push(called);
    for (const call of called.tool_calls) {
      messages.push(new ToolMessage({ content: await find.invoke(call.args), tool_call_id: call.id }));
    }
    return { calls: called.tool_calls, text: (await chat.invoke(messages)).text };
  },

  async langchainParsed(where) {
    return langchain(where).withStructuredOutput(Sum, { method: "jsonSchema" }).invoke("hi");
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...fields } = JSON.parse(line);
  const answer = await questions[name](fields).then(
    (gave) => ({ gave: gave ?? null }),
    (error) => ({ threw: error.stack }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
