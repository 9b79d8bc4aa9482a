/** Answers questions about Nereid: finds passages of the user guide, and has a language model answer with them. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer } from '@nereid/core';
import OpenAI from 'openai';
import { readPassages, type Passage } from '../07-rag/read-passages.ts';
import { ASSISTANT_MODELS, installEngine } from './install-engine.ts';

const PAGES = fileURLToPath(new URL('../../docs/user-guide', import.meta.url));
const QUESTION = 'What does the rate limiter limit?';

/** What is embedded in one request. */
const BATCH = 64;

installEngine();
await using server = await createServer({
  modelRepository: [ASSISTANT_MODELS],
  // What searches the passages can be loaded only when they have been embedded.
  modelControlMode: 'explicit',
  loadModel: ['embed'],
  httpAddress: '127.0.0.1',
  httpPort: 0,
  allowGrpc: false,
  allowMetrics: false,
  logInfo: false,
});
const { http } = await server.listen();
const client = new OpenAI({ baseURL: `http://127.0.0.1:${http}/v1`, apiKey: 'not asked for' });

const passages = readPassages(PAGES);
const embeddings = await embed(passages);
const index = passages.map((passage, at) => ({ ...passage, embedding: embeddings[at] }));
writeFileSync(`${ASSISTANT_MODELS}/search/1/passages.json`, JSON.stringify(index));
await server.management.loadModel('rag', {});

const [question = QUESTION] = process.argv.slice(2);
process.stdout.write(`${passages.length} passages\n\n${question}\n`);
const answer = await client.chat.completions.create({
  model: 'rag',
  messages: [{ role: 'user', content: question }],
  max_tokens: 60,
  temperature: 0,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const { choices, usage } of answer) {
  process.stdout.write(choices[0]?.delta.content ?? '');
  if (usage) process.stdout.write(`\n\n${usage.prompt_tokens} tokens in, ${usage.completion_tokens} out\n`);
}

/** The vectors of passages, in their order. */
async function embed(texts: readonly Passage[]): Promise<readonly (readonly number[])[]> {
  const vectors: (readonly number[])[] = [];
  for (let at = 0; at < texts.length; at += BATCH) {
    const input = texts.slice(at, at + BATCH).map(({ text }) => text);
    const { data } = await client.embeddings.create({ model: 'embed', input });
    vectors.push(...data.map(({ embedding }) => embedding));
  }
  return vectors;
}
