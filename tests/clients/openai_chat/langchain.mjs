// What a user of LangChain.js writes, as it stands in the documentation.
import { ChatOpenAI } from "@langchain/openai";

const [baseURL, model] = process.argv.slice(2);

// docs: LangChain.js
const chat = new ChatOpenAI({ model, apiKey: "any", configuration: { baseURL } });
for await (const chunk of await chat.stream("hi")) {
  process.stdout.write(chunk.text);
}
// end docs
