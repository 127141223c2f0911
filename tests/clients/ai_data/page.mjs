// A page without a browser, on which React hooks live.
import { JSDOM } from "jsdom";

const dom = new JSDOM("<!doctype html>", { url: "http://localhost/" });
globalThis.window = dom.window;
globalThis.document = dom.window.document;
globalThis.navigator ??= dom.window.navigator;
process.env.NODE_ENV = "production";
const { createElement, useEffect, useState } = await import("react");
const { createRoot } = await import("react-dom/client");

// Mounts a hook; gives its present `state`. `until` waits for a state of a certain kind, `settled` until all that has
// been changed is in it.
export const mount = async (useHook) => {
  const waiting = new Set();
  const live = { state: undefined, count: 0 };
  const Component = () => {
    const state = useHook();
    const [count, setCount] = useState(0);
    useEffect(() => {
      Object.assign(live, { state, count, setCount });
      for (const look of [...waiting]) look();
    });
    return null;
  };
  live.until = (isSo) =>
    new Promise((resolve) => {
      const look = () => {
        if (live.state === undefined || !isSo(live.state, live.count)) return;
        waiting.delete(look);
        resolve(live.state);
      };
      waiting.add(look);
      look();
    });
  live.settled = async () => {
    await new Promise(setImmediate);
    const next = live.count + 1;
    live.setCount(next);
    return live.until((state, count) => count >= next);
  };
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  root.render(createElement(Component));
  live.unmount = () => root.unmount();
  await live.until(() => true);
  return live;
};
