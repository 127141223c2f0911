// A page of React in jsdom that has one chat, by the hook of the npm package `@ai-sdk/react`.
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><div></div>");
Object.assign(globalThis, { window, document: window.document });
globalThis.navigator ??= window.navigator; // newer Nodes have one
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");

// Shows the page and returns what gives the chat as it was last shown.
export async function showPage({ useChat }, ofChats, base, options, body, approves) {
  const { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } = ofChats;
  const { id } = options;
  let shown;
  const usePlain = () => {
    // docs: useChat of the AI SDK 5, 6 and 7
    //: import { useChat } from "@ai-sdk/react";
    //: import { DefaultChatTransport } from "ai";
    //:
    const chat = useChat({ ...options, transport: new DefaultChatTransport({ api: `${base}/ai/chat`, body }) });
    // end docs
    return { ...chat, stopForGood: chat.stop };
  };
  const useResumable = () => {
    // docs: useChat of the AI SDK 5, 6 and 7, resumable
    //: import { useChat } from "@ai-sdk/react";
    //: import { DefaultChatTransport } from "ai";
    //:
    const transport = new DefaultChatTransport({ api: `${base}/ai/chat`, body: { ...body, resumable: true } });
    const chat = useChat({ ...options, transport });
    const stream = `${base}/ai/chat/${encodeURIComponent(id)}/stream`;
    const stop = () => Promise.all([chat.stop(), fetch(stream, { method: "DELETE" })]);
    // end docs
    return { ...chat, stopForGood: stop };
  };
  const useApproving = () => {
    // docs: useChat of the AI SDK 6 and 7, with approvals
    //: import { useChat } from "@ai-sdk/react";
    //: import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
    //:
    const chat = useChat({
      ...options,
      transport: new DefaultChatTransport({ api: `${base}/ai/chat`, body: { ...body, ai: 6 } }), // or 7
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    });
    const parts = chat.messages.at(-1)?.parts ?? [];
    const waiting = parts.filter(({ state }) => state === "approval-requested");
    const answer = ({ approval }, approved, reason) => chat.addToolApprovalResponse({ id: approval.id, approved, reason });
    // end docs
    return { ...chat, answerFirst: ({ approved, reason }) => answer(waiting[0], approved, reason) };
  };
  // docs: parts of a message that are valid, AI SDK 5 and 6
  const partsOf = ({ parts }) => {
    const valid = [];
    for (const part of parts) {
      if (part.type !== "data-restart") valid.push(part);
      else if (part.data.reason === "resumed") valid.length = 0;
      else valid.length = valid.findLastIndex(({ type }) => type === "step-start") + 1;
    }
    return valid;
  };
  // end docs
  const useOwnChat = approves ? useApproving : body.resumable ? useResumable : usePlain;
  const Page = () => {
    shown = useOwnChat();
    const { messages } = shown;
    return createElement("p", null, messages.map((message) => partsOf(message).map(({ text }) => text).join("")));
  };
  const place = document.body.appendChild(document.createElement("div"));
  createRoot(place).render(createElement(Page));
  while (!shown) await new Promise((resolve) => setTimeout(resolve));
  return () => ({ ...shown, text: place.textContent });
}
