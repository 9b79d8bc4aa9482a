import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { affineOnnx } from './affine-onnx.ts';
import { cnnOnnx, cnnOperations } from './cnn-onnx.ts';
import { MLP_WIDTHS, mlpOnnx } from './mlp-onnx.ts';
import { createWeights } from './onnx-graph.ts';

async function runModel(model: Uint8Array, input: Float32Array, shape: readonly number[]): Promise<Tensor> {
  const session = await InferenceSession.create(model);
  const { Y } = await session.run({ X: new Tensor('float32', input, shape) });
  await session.release();
  assert.ok(Y?.data instanceof Float32Array);
  return Y;
}

/** What the dense layers come to, one sum after the other. */
function computeMlp(input: Float32Array): Float32Array {
  let from = input;
  for (let layer = 0; layer < MLP_WIDTHS.length - 1; layer += 1) {
    const [rows, columns] = [MLP_WIDTHS[layer] ?? 0, MLP_WIDTHS[layer + 1] ?? 0];
    const weights = createWeights(rows * columns, rows);
    const sums = createWeights(columns, rows).map((bias, column) => {
      let sum = bias;
      for (let row = 0; row < rows; row += 1)
        sum += (from[row] ?? NaN) * (weights[row * columns + column] ?? NaN);
      return sum;
    });
    from = layer === MLP_WIDTHS.length - 2 ? sums : sums.map((sum) => Math.max(0, sum));
  }
  return from;
}

test('the affine model computes 2 x + 1', async () => {
  const Y = await runModel(affineOnnx(), Float32Array.of(0, 1, -3, 0.5), [2, 2]);
  assert.deepEqual(Y.data, Float32Array.of(1, 3, -5, 2));
  assert.deepEqual(Y.dims, [2, 2]);
});

test('the MLP computes what its layers come to', async () => {
  const input = Float32Array.from({ length: 512 }, (_, index) => Math.sin(index));
  const Y = await runModel(mlpOnnx(), input, [1, 512]);
  const expected = computeMlp(input);
  assert.deepEqual(Y.dims, [1, 256]);
  for (const [index, value] of (Y.data as Float32Array).entries())
    assert.ok(Math.abs(value - (expected[index] ?? NaN)) < 1e-3, `element ${index}: ${value}`);
});

test('the CNN is of about 1 GFLOP and tells images apart, in a batch as alone', async () => {
  assert.ok(Math.abs(cnnOperations() / 1e9 - 1) < 0.1, `${cnnOperations()} operations`);
  const one = createWeights(3 * 224 * 224, 6);
  const two = one.map((value) => 2 * value);
  const both = new Float32Array(2 * one.length);
  both.set(one);
  both.set(two, one.length);
  const alone = await runModel(cnnOnnx(), two, [1, 3, 224, 224]);
  const batched = (await runModel(cnnOnnx(), both, [2, 3, 224, 224])).data as Float32Array;
  const difference = (a: Float32Array, b: Float32Array): number =>
    Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? NaN))));
  assert.ok(difference(batched.subarray(1000), alone.data as Float32Array) < 1e-3);
  assert.ok(difference(batched.subarray(0, 1000), batched.subarray(1000)) > 0.01);
});
