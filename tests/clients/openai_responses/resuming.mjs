// What a user of OpenAI's SDK for Node writes to resume a stream, as it stands in the documentation.
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);

// docs: OpenAI SDK (Node), resuming
const client = new OpenAI({ baseURL, apiKey: "any" });
let stream = await client.responses.create({ model, input: "hi", background: true, stream: true });
for (let id, seen, isComplete = false; !isComplete; ) {
  try {
    for await (const event of stream) {
      seen = event.sequence_number;
      if (event.type === "response.created") id = event.response.id;
      if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
    }
    isComplete = true;
  } catch {
    stream = await client.responses.retrieve(id, { stream: true, starting_after: seen });
  }
}
// end docs
