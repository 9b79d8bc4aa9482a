/** Trains a forest with scikit-learn, serves it, and asks it about tumours that it has not seen. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTensor, tensorView } from '@nereid/backend-sdk';
import { createServer } from '@nereid/core';

/** What the training left out: measurements, the true class, and what scikit-learn says of it. */
interface HeldBack {
  readonly rows: readonly (readonly number[])[];
  readonly classes: readonly number[];
  readonly probabilities: readonly (readonly number[])[];
}

const { python } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } }).values;
const models = pathTo('models');

mkdirSync(`${models}/tumour/1`, { recursive: true });
const { rows, classes, probabilities } = train(`${models}/tumour/1/model.skops`);

await using server = await createServer({
  modelRepository: [models],
  // That Python has what the backend needs; otherwise the server would install it for the backend.
  backendConfig: { fil: { interpreter: python, requirements: 'ignore' } },
  logInfo: false,
});
const features = rows[0]?.length ?? 0;
const { outputs } = await server.infer({
  modelName: 'tumour',
  inputs: [createTensor('input__0', 'FP32', [rows.length, features], Float32Array.from(rows.flat()))],
});
const [answer] = outputs;
if (answer === undefined) throw new Error('an output is missing');
const found = tensorView(answer, 'FP32');

let right = 0;
let largest = 0;
for (const [row, [malignant = NaN, benign = NaN]] of probabilities.entries()) {
  const [ownMalignant = NaN, ownBenign = NaN] = found.subarray(2 * row);
  if (Number(ownBenign > ownMalignant) === classes[row]) right += 1;
  largest = Math.max(largest, Math.abs(malignant - ownMalignant), Math.abs(benign - ownBenign));
}
process.stdout.write(`${right} of ${rows.length} tumours are told right\n`);
process.stdout.write(`largest difference from scikit-learn alone: ${largest.toExponential(0)}\n`);

function train(file: string): HeldBack {
  const { status, stdout } = spawnSync(python, [pathTo('train.py'), file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === 0) return JSON.parse(stdout) as HeldBack;
  process.stderr.write(
    `${python} can't train the forest: install ${pathTo('requirements.txt')} for it, or name another with --python=<path>\n`,
  );
  process.exit(1);
}

function pathTo(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
