import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { listGpus } from './list-gpus.ts';

const devices = mkdtempSync(join(tmpdir(), 'nereid-devices-'));
after(() => rmSync(devices, { recursive: true }));
for (const name of ['nvidia0', 'nvidia1', 'nvidia7', 'nvidiactl', 'nvidia-uvm', 'null']) {
  writeFileSync(join(devices, name), '');
}

test('GPUs are counted from 0, whatever numbers their device files have', () => {
  assert.deepEqual(listGpus(undefined, devices), [0, 1, 2]);
});

test('CUDA_VISIBLE_DEVICES leaves some of them, which are counted anew', () => {
  assert.deepEqual(listGpus('2', devices), [0]);
  assert.deepEqual(listGpus('2, 0', devices), [0, 1]);
  assert.deepEqual(listGpus('GPU-5fd4,MIG-1234', devices), [0, 1]);
});

test('what follows a number that there is not does not count, as with CUDA', () => {
  assert.deepEqual(listGpus('0,9,1', devices), [0]);
  assert.deepEqual(listGpus('-1', devices), []);
  assert.deepEqual(listGpus('', devices), []);
});

test('a machine without such a folder has no GPUs', () => {
  assert.deepEqual(listGpus(undefined, join(devices, 'none')), []);
  assert.deepEqual(listGpus('0', join(devices, 'none')), []);
});
