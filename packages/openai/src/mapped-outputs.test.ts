import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTensor } from '@nereid/backend-sdk';
import { addUsage, finishReasonOf, textOf, vectorsOf } from './mapped-outputs.ts';
import { outputs, texts } from './testing/test-server.ts';

const NONE = { prompt: 0, completion: 0 };

test('all elements of an output are its text', () => {
  assert.equal(textOf(outputs([texts('t', ['a', 'é'])]), 't'), 'aé');
  assert.equal(textOf(outputs([]), 't'), '');
});

test('the reason is an output or a parameter, and None is none', () => {
  assert.equal(finishReasonOf(outputs([texts('finish_reason', ['length'])])), 'length');
  assert.equal(finishReasonOf(outputs([], { finish_reason: 'stop' })), 'stop');
  assert.equal(finishReasonOf(outputs([texts('finish_reason', ['None'])])), undefined);
});

test('outputs count new tokens, parameters all of them', () => {
  const counted = outputs([
    createTensor('num_input_tokens', 'UINT32', [1], new Uint32Array([5])),
    createTensor('num_output_tokens', 'UINT32', [1], new Uint32Array([2])),
  ]);
  assert.deepEqual(addUsage(addUsage(NONE, counted), counted), { prompt: 5, completion: 4 });
  const told = outputs([], { prompt_tokens: 5, completion_tokens: 4 });
  assert.deepEqual(addUsage(addUsage(NONE, told), told), { prompt: 5, completion: 4 });
});

test('vectors of all three datatypes are read', () => {
  const values = [0.5, -2, 2 ** -24, 65504, Infinity, 0];
  const halves = new Uint16Array([0x3800, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x0000]);
  for (const tensor of [
    createTensor('v', 'FP32', [2, 3], Float32Array.from(values)),
    createTensor('v', 'FP64', [2, 3], Float64Array.from(values)),
    createTensor('v', 'FP16', [2, 3], halves),
  ]) {
    const vectors = vectorsOf(outputs([tensor]), 'v', 2);
    assert.deepEqual(
      vectors.map((vector) => [...vector]),
      [values.slice(0, 3), values.slice(3)],
    );
  }
});

test('vectors for another number of texts are an error', () => {
  const tensor = createTensor('v', 'FP32', [3], new Float32Array(3));
  assert.throws(() => vectorsOf(outputs([tensor]), 'v', 2), {
    message: "output 'v': expected vectors for 2 texts, found 3 numbers",
  });
  assert.throws(() => vectorsOf(outputs([]), 'v', 1), /found 0 numbers/);
});
