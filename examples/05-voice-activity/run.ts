/** Two people speak at the same time, and the server says when: one sequence each, chunk by chunk in turn. */
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTensor, tensorView } from '@nereid/backend-sdk';
import { createServer } from '@nereid/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { createVoice, SAMPLE_RATE } from './voice.ts';

const CHUNK = 512;
const models = fileURLToPath(new URL('./models', import.meta.url));
const modelFile = fileURLToPath(
  new URL('./node_modules/@ricky0123/vad-web/dist/silero_vad_v5.onnx', import.meta.url),
);

const speakers = [
  { name: 'Ada', id: 1, voice: createVoice({ seconds: 4, from: 1, until: 3, pitch: 200 }) },
  { name: 'Ben', id: 2, voice: createVoice({ seconds: 4, from: 2, until: 3.5, pitch: 115 }) },
];

cpSync(modelFile, `${models}/voice_activity/1/model.onnx`);
await using server = await createServer({ modelRepository: [models], logInfo: false });

const heard = speakers.map((): number[] => []);
const chunks = Math.floor((speakers[0]?.voice.length ?? 0) / CHUNK);
for (let at = 0; at < chunks; at += 1) {
  const answers = speakers.map(({ id, voice }) =>
    server.infer({
      modelName: 'voice_activity',
      inputs: [
        createTensor('input', 'FP32', [1, CHUNK], voice.subarray(at * CHUNK, (at + 1) * CHUNK)),
        createTensor('sr', 'INT64', [1], BigInt64Array.of(BigInt(SAMPLE_RATE))),
      ],
      sequence: { id, start: at === 0, end: at === chunks - 1 },
    }),
  );
  for (const [speaker, { outputs }] of (await Promise.all(answers)).entries()) {
    for (const output of outputs) heard[speaker]?.push(tensorView(output, 'FP32')[0] ?? NaN);
  }
}

let largest = 0;
for (const [at, { name, voice }] of speakers.entries()) {
  const probabilities = heard[at] ?? [];
  const expected = await runAlone(voice);
  expected.forEach((value, chunk) => {
    largest = Math.max(largest, Math.abs(value - (probabilities[chunk] ?? Infinity)));
  });
  const [first, last] = [probabilities.findIndex(isSpeech), probabilities.findLastIndex(isSpeech)];
  process.stdout.write(`${name} speaks from ${secondsOf(first)} s until ${secondsOf(last + 1)} s\n`);
}
process.stdout.write(`largest difference from ONNX Runtime alone: ${largest}\n`);

function isSpeech(probability: number): boolean {
  return probability >= 0.5;
}

function secondsOf(chunk: number): string {
  return ((chunk * CHUNK) / SAMPLE_RATE).toFixed(1);
}

/** The same without a server: whoever runs the model has to carry its state from chunk to chunk. */
async function runAlone(voice: Float32Array): Promise<readonly number[]> {
  const session = await InferenceSession.create(modelFile);
  const sr = new Tensor('int64', BigInt64Array.of(BigInt(SAMPLE_RATE)), []);
  let state: Tensor = new Tensor('float32', new Float32Array(2 * 128), [2, 1, 128]);
  const probabilities: number[] = [];
  for (let at = 0; at < chunks; at += 1) {
    const input = new Tensor('float32', voice.slice(at * CHUNK, (at + 1) * CHUNK), [1, CHUNK]);
    const { output, stateN } = await session.run({ input, state, sr });
    if (output === undefined || stateN === undefined) throw new Error('an output is missing');
    probabilities.push(Number(output.data[0]));
    state = stateN;
  }
  return probabilities;
}
