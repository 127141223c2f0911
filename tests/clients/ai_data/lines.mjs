// Does what lines of JSON on stdin say, each at once, and answers each with a line of JSON on stdout; before that, a
// command may note how far it is.
import { createInterface } from "node:readline";

export const serve = (commands) => {
  const tell = (line) => process.stdout.write(JSON.stringify(line) + "\n");
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const { n, todo, ...given } = JSON.parse(line);
    try {
      tell({ n, result: await commands[todo](given, (noted) => tell({ n, noted })) });
    } catch (error) {
      tell({ n, thrown: String(error?.stack ?? error) });
    }
  });
};
