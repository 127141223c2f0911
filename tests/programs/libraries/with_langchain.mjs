// LangChain.js, with each of the three protocols: does what the lines of its input say.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

const QUESTION = "Read the note, write the word in it as the answer, and tell me when it is done.";
const tools = {
  read_note: tool(() => readFileSync("note.txt", "utf8").trim(), {
    name: "read_note",
    description: "Read the note.",
    schema: z.object({}),
  }),
  write_answer: tool(({ word }) => (writeFileSync("answer.txt", word), "written"), {
    name: "write_answer",
    description: "Write the answer, which is one word.",
    schema: z.object({ word: z.string() }),
  }),
};

function chatOf({ url, model, api }) {
  const options = { model, apiKey: "any", maxRetries: 0 };
  if (api === "messages") return new ChatAnthropic({ ...options, anthropicApiUrl: url });
  return new ChatOpenAI({ ...options, useResponsesApi: api === "responses", configuration: { baseURL: `${url}/v1` } });
}

const tasks = {
  async work(given) {
    const chat = chatOf(given).bindTools(Object.values(tools));
    const messages = [new HumanMessage(QUESTION)];
    for (;;) {
      let said;
      for await (const chunk of await chat.stream(messages)) said = said ? said.concat(chunk) : chunk;
      if (!said.tool_calls?.length) return said.text;
      messages.push(said);
      for (const call of said.tool_calls) messages.push(await tools[call.name].invoke(call));
    }
  },

  async leave(given) {
    for await (const chunk of await chatOf(given).stream(QUESTION)) {
      if (chunk.text) return chunk.text;
    }
  },

  async fill(given) {
    const form = z.object({ kind: z.string(), blades: z.number() });
    return chatOf(given).withStructuredOutput(form, { name: "wheel", method: "jsonSchema" }).invoke(QUESTION);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...given } = JSON.parse(line);
  let told;
  try {
    told = { result: await tasks[task](given) };
  } catch (error) {
    told = { error: `${error.constructor.name}: ${error.message}` };
  }
  process.stdout.write(`\n${JSON.stringify(told)}\n`);
}
