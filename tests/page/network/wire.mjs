/** Bodies of responses, made of chunks. */

export const bytes = (text) => new TextEncoder().encode(text);

/** A body of these chunks, which then ends, or breaks with `error`. */
export function bodyOf(chunks, error) {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift();
      if (chunk !== undefined) controller.enqueue(typeof chunk === "string" ? bytes(chunk) : chunk);
      else if (error) controller.error(error);
      else controller.close();
    },
  });
}
