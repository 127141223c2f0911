import { EventSourceParserStream } from "eventsource-parser/stream";
import createClient from "openapi-fetch";
import type { components, paths } from "./headrace.js";

declare const process: { argv: string[] };
const [baseUrl, model] = process.argv.slice(2) as [string, string];

// docs: a client of openapi-typescript
//: import type { components, paths } from "./headrace.js";
//:
type Schemas = components["schemas"];
const client = createClient<paths, "application/json">({ baseUrl });
const { data, error } = await client.POST("/api/chat", {
  body: { messages: [{ role: "user", content: "hi" }], model, stream: false },
});
if (error) throw new Error(`${error.error.code}: ${error.error.message}`);
console.log(data.text, data.usage?.output_tokens);
// end docs

// docs: a stream with types of openapi-typescript
const body: Schemas["ChatBody"] = { messages: [{ role: "user", content: "hi" }], model };
const streamed = await client.POST("/api/chat", { body, parseAs: "stream" });
const frames = streamed.data!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
let text = "";
for await (const frame of frames as AsyncIterable<Schemas["ChatFrame"]>) {
  switch (frame.event) {
    case "usage": {
      const usage: Schemas["ChatUsage"] = JSON.parse(frame.data);
      console.log(text, usage.output_tokens);
      break;
    }
    case "error": {
      const failure: Schemas["ChatError"] = JSON.parse(frame.data);
      throw new Error(`${failure.code}: ${failure.message}`);
    }
    case undefined: {
      if (frame.data === "[DONE]") break;
      const piece: Schemas["ChatText"] = JSON.parse(frame.data);
      text += piece.delta;
    }
  }
}
// end docs

// What the compiler must know of the other answers, and what it must refuse.
const completed = await client.POST("/v1/chat/completions", { body: { messages: [{ role: "user", content: "hi" }], model } });
console.log(completed.data!.choices[0]!.message.content, completed.data!.usage?.total_tokens);

const response = await client.POST("/v1/responses", { body: { input: "hi", model } });
for (const item of response.data!.output) {
  if (item.type === "message") for (const part of item.content) if (part.type === "output_text") console.log(part.text);
}

const message = await client.POST("/v1/messages", {
  body: { messages: [{ role: "user", content: "hi" }], model, max_tokens: 64 },
});
for (const block of message.data!.content) if (block.type === "text") console.log(block.text);

const listed = await client.GET("/api/models");
console.log(listed.data!.models.filter((each) => each.default).length);

const refused = await client.POST("/api/chat", { body: { messages: [], stream: false } });
console.log(refused.data, refused.error?.error.code);

export function textOf(event: Schemas["ResponseStreamEvent"] | Schemas["AnthropicStreamEvent"]): string {
  switch (event.type) {
    case "response.output_text.delta":
      return event.delta;
    case "response.failed":
      throw new Error(event.response.error?.message);
    case "content_block_delta":
      return event.delta.type === "text_delta" ? event.delta.text : "";
    default:
      return "";
  }
}

export function pieceOf(chunk: Schemas["UIMessageChunk"]): string {
  return chunk.type === "text-delta" ? chunk.delta : "";
}

export const wrong: Schemas["ChatBody"][] = [
  { messages: [], schema: { type: "object" }, tools: [{ name: "find", parameters: { type: "object" } }] },
  // @ts-expect-error: the messages are missing
  {},
  // @ts-expect-error: a field of another type
  { messages: [], stream: "no" },
  // @ts-expect-error: an unknown field
  { messages: [], streamed: false },
  // @ts-expect-error: no role of a message
  { messages: [{ role: "robot", content: "hi" }] },
];
