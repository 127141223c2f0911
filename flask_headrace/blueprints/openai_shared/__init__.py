"""Parts of requests that OpenAI's chat completions and its Responses API have in common."""
