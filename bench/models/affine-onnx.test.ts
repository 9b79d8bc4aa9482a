import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { affineOnnx } from './affine-onnx.ts';

test('ONNX Runtime loads the model, and it computes 2 x + 1', async () => {
  const session = await InferenceSession.create(affineOnnx());
  const { Y } = await session.run({ X: new Tensor('float32', Float32Array.of(0, 1, -3, 0.5), [2, 2]) });
  assert.deepEqual(Y?.data, Float32Array.of(1, 3, -5, 2));
  assert.deepEqual(Y.dims, [2, 2]);
  await session.release();
});
