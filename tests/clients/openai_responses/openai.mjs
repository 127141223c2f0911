// What a user of OpenAI's SDK for Node writes, as it stands in the documentation.
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);

// docs: OpenAI SDK (Node), responses
const client = new OpenAI({ baseURL, apiKey: "any" });
const stream = await client.responses.create({ model, input: "hi", stream: true });
for await (const event of stream) {
  if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
}
// end docs
