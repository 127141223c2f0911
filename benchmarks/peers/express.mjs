// Express and the official OpenAI SDK. UPSTREAM and PORT are in the environment.
import express from 'express';
import OpenAI from 'openai';
import { once } from 'node:events';

const client = new OpenAI({ baseURL: process.env.UPSTREAM, apiKey: 'sk-none', maxRetries: 0 });
const app = express();
app.disable('x-powered-by');
app.use(express.json());

app.post('/api/chat', async (request, response) => {
  const { model, messages, max_tokens } = request.body;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.flushHeaders();
  try {
    const question = { model: model.split('/')[1], messages, max_tokens, stream: true };
    const stream = await client.chat.completions.create(question, { signal: gone.signal });
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta?.content;
      if (!delta) continue;
      const frame = `data: ${JSON.stringify({ delta })}\n\n`;
      if (!response.write(frame)) await once(response, 'drain', { signal: gone.signal });
    }
    response.end('data: [DONE]\n\n');
  } catch (error) {
    if (!gone.signal.aborted) response.end(`event: error\ndata: ${JSON.stringify({ message: error.message })}\n\n`);
  }
});

app.listen(Number(process.env.PORT), '127.0.0.1', 4096);
