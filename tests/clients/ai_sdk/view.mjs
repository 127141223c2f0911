// Asks a view of an application, as a hook of one version of `ai` does: `node view.mjs ai6 http://…/support`.
const [version, api] = process.argv.slice(2);
const { DefaultChatTransport } = await import(version);
// docs: a view of one's own, AI SDK 5, 6 and 7
//: import { DefaultChatTransport } from "ai";
//:
const transport = new DefaultChatTransport({
  api,
  prepareSendMessagesRequest: ({ messages, body }) => {
    const question = messages.at(-1).parts.map(({ text }) => text ?? "").join("");
    return { body: { ...body, question } };
  },
});
// end docs
const parts = [{ type: "text", text: "What is " }, { type: "text", text: "a mill?" }];
const messages = [{ id: "m1", role: "user", parts }];
const answer = await transport.sendMessages({ trigger: "submit-message", chatId: "c1", messages });
for await (const chunk of answer) console.log(JSON.stringify(chunk));
