/** Asks about a picture: vision models read it, a language model answers, and the answer streams. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer } from '@nereid/core';
import OpenAI from 'openai';
import { drawLines } from '../04-ocr-ensemble/draw-lines.ts';
import { installOcr } from '../04-ocr-ensemble/install-ocr.ts';
import { ASSISTANT_MODELS, installEngine } from '../08-llm-rag/install-engine.ts';
import { writePicture } from '../first-run/picture.ts';

const SIGN = fileURLToPath(new URL('./sign.png', import.meta.url));
const MODELS = fileURLToPath(new URL('./models', import.meta.url));

const [question = 'Repeat what the picture reads.', file] = process.argv.slice(2);
if (file === undefined) writePicture(SIGN, drawLines(['OPEN 9 TO 5', 'CLOSED ON MONDAY']));

installEngine();
await using server = await createServer({
  modelRepository: [MODELS, ASSISTANT_MODELS, ...installOcr()],
  modelControlMode: 'explicit',
  // Steps come with their ensemble; models that a model calls don't.
  loadModel: ['vision', 'ocr', 'text_recognition'],
  httpAddress: '127.0.0.1',
  httpPort: 0,
  allowGrpc: false,
  allowMetrics: false,
  logInfo: false,
});
const { http } = await server.listen();
const client = new OpenAI({ baseURL: `http://127.0.0.1:${http}/v1`, apiKey: 'not asked for' });

const url = `data:image/png;base64,${readFileSync(file ?? SIGN, 'base64')}`;
const answer = await client.chat.completions.create({
  model: 'vision',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url } },
        { type: 'text', text: question },
      ],
    },
  ],
  max_tokens: 40,
  temperature: 0,
  stream: true,
});
process.stdout.write(`${question}\n`);
for await (const { choices } of answer) process.stdout.write(choices[0]?.delta.content ?? '');
process.stdout.write('\n');
