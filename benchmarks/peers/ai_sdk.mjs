// The Vercel AI SDK: streamText as a UI message stream, on node:http. UPSTREAM and PORT are in the environment.
import http from 'node:http';
import { json } from 'node:stream/consumers';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';

const upstream = createOpenAICompatible({ name: 'upstream', baseURL: process.env.UPSTREAM, apiKey: 'sk-none' });

const server = http.createServer(async (request, response) => {
  const { model, messages, max_tokens } = await json(request);
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const result = streamText({
    model: upstream(model.split('/')[1]),
    messages,
    maxOutputTokens: max_tokens,
    maxRetries: 0,
    abortSignal: gone.signal,
    onError() {},
  });
  await result.pipeUIMessageStreamToResponse(response);
});

process.on('unhandledRejection', () => {}); // an aborted answer rejects promises that nobody here asked for
server.listen(Number(process.env.PORT), '127.0.0.1', 4096);
