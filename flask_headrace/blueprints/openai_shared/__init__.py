"""Request fields and error schemas that OpenAI's chat completions and its Responses API share."""
