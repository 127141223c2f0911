// What a user of OpenAI's SDK for Node writes, as it stands in the documentation.
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);

// docs: OpenAI SDK (Node)
const client = new OpenAI({ baseURL, apiKey: "any" });
const stream = await client.chat.completions.create({ model, messages: [{ role: "user", content: "hi" }], stream: true });
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}
// end docs
