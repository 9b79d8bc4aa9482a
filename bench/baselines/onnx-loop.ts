/**
 * ONNX Runtime by itself, with its own defaults: one batch after the other for some seconds, nothing around it.
 * `onnx-loop.ts model.onnx shape seconds`, the shape of a batch as `1,512`. Prints a LoadResult, a request being one
 * row of a batch.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { summarize } from '../load/load.ts';

const WARM_UP_RUNS = 3;

const [path = '', shapeText = '', secondsText = ''] = process.argv.slice(2);
const shape = shapeText.split(',').map(Number);
const length = shape.reduce((product, dim) => product * dim, 1);
const values = Float32Array.from({ length }, (_, index) => (index % 16) / 4);
const session = await InferenceSession.create(path);
for (let run = 0; run < WARM_UP_RUNS; run += 1)
  await session.run({ X: new Tensor('float32', values, shape) });

const latencies: number[] = [];
const began = performance.now();
const end = began + Number(secondsText) * 1000;
for (let now = began; now < end;) {
  await session.run({ X: new Tensor('float32', values, shape) });
  const after = performance.now();
  latencies.push(after - now);
  now = after;
}
const result = summarize(latencies, (performance.now() - began) / 1000, 0);
const rows = shape[0] ?? 1;
process.stdout.write(
  `${JSON.stringify({ ...result, requestsPerSecond: result.requestsPerSecond * rows })}\n`,
);
await session.release();
