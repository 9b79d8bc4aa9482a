/** Embeds the pages of the user guide, and finds the passages that answer questions about Nereid. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTensor, decodeStrings, tensorView } from '@nereid/backend-sdk';
import { createServer, type Server } from '@nereid/core';
import { installModel } from './install-model.ts';
import { readPassages, type Passage } from './read-passages.ts';

const MODELS = fileURLToPath(new URL('./models', import.meta.url));
const PAGES = fileURLToPath(new URL('../../docs/user-guide', import.meta.url));
const QUESTIONS = ['How do I answer equal requests without running the model again?'];

/** What is embedded in one request; `max_batch_size` of the models. */
const BATCH = 32;
const EMBEDDING_SIZE = 384;

const { values, positionals } = parseArgs({
  options: { pytorch: { type: 'string' } },
  allowPositionals: true,
});
installModel(MODELS);
await using server = await createServer({
  modelRepository: [MODELS],
  // What searches the passages can be loaded only when they have been embedded.
  modelControlMode: 'explicit',
  loadModel: ['sentence_embedding'],
  backendConfig:
    values.pytorch === undefined ? {} : { pytorch: { interpreter: values.pytorch, requirements: 'ignore' } },
  logInfo: false,
});

const passages = readPassages(PAGES);
const embeddings = await embed(server, passages);
const index = passages.map((passage, at) => ({ ...passage, embedding: embeddings[at] }));
writeFileSync(`${MODELS}/passage_search/1/passages.json`, JSON.stringify(index));
await server.management.loadModel('retrieval', {});

process.stdout.write(`${passages.length} passages\n`);
for (const question of positionals.length > 0 ? positionals : QUESTIONS) await ask(server, question);

/** The vectors of passages, in their order. */
async function embed(from: Server, texts: readonly Passage[]): Promise<readonly (readonly number[])[]> {
  const vectors: number[][] = [];
  for (let at = 0; at < texts.length; at += BATCH) {
    const batch = texts.slice(at, at + BATCH).map(({ text }) => text);
    const { outputs } = await from.infer({
      modelName: 'sentence_embedding',
      inputs: [createTensor('TEXT', 'BYTES', [batch.length, 1], batch)],
    });
    const [embedding] = outputs;
    if (embedding === undefined) throw new Error('an output is missing');
    const numbers = tensorView(embedding, 'FP32');
    for (let row = 0; row < batch.length; row += 1) {
      vectors.push([...numbers.subarray(row * EMBEDDING_SIZE, (row + 1) * EMBEDDING_SIZE)]);
    }
  }
  return vectors;
}

/** Prints a question, the passages found for it with their scores, and the best of them in full. */
async function ask(from: Server, question: string): Promise<void> {
  const { outputs } = await from.infer({
    modelName: 'retrieval',
    inputs: [createTensor('QUESTION', 'BYTES', [1, 1], [question])],
  });
  const [texts, sources, scores] = ['PASSAGES', 'SOURCES', 'SCORES'].map((name) =>
    outputs.find((output) => output.name === name),
  );
  if (texts === undefined || sources === undefined || scores === undefined) {
    throw new Error('an output is missing');
  }
  process.stdout.write(`\n${question}\n`);
  for (const [at, score] of tensorView(scores, 'FP32').entries()) {
    process.stdout.write(`  ${score.toFixed(2)} ${decodeStrings(sources)[at]}\n`);
  }
  process.stdout.write(`\n${decodeStrings(texts)[0]}\n`);
}
