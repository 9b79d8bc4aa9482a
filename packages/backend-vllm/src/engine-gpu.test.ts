import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visibleGpu } from './engine-gpu.ts';

test('an engine gets the GPU of its instance, counted among those that the server has', () => {
  assert.equal(visibleGpu(1, undefined), '1');
  assert.equal(visibleGpu(1, '4, 6'), '6');
  assert.equal(visibleGpu(0, 'GPU-5fd4'), 'GPU-5fd4');
});
