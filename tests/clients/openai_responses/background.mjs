// What a user of OpenAI's SDK for Node writes for a background response, as it stands in the documentation.
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);

// docs: OpenAI SDK (Node), background
const client = new OpenAI({ baseURL, apiKey: "any" });
let response = await client.responses.create({ model, input: "hi", background: true });
while (response.status === "queued" || response.status === "in_progress") {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  response = await client.responses.retrieve(response.id);
}
process.stdout.write(response.output_text);
await client.responses.delete(response.id); // or wait: it expires
// end docs
