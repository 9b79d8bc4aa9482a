import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import { buildRequest, fp32 } from '../../test/build-request.ts';
import { FakeRegionMemory } from '../../test/fake-region-memory.ts';
import { SharedMemoryRegistry } from '../memory/shared-memory-registry.ts';
import type { InferenceRequest } from '../request/inference-request.ts';
import { batchByteLength, packBatch, passedRegions, unpackTensors } from './batch-transfer.ts';

const REGION = { name: 'r', key: '/k', offset: 0, byteSize: 64 };

/** A request with one input in a region and one from the body. */
function sharedRequest(): { request: InferenceRequest; memory: FakeRegionMemory } {
  const memory = new FakeRegionMemory(REGION);
  const registry = new SharedMemoryRegistry({ isAllowed: true, open: () => memory });
  registry.registerSystem(REGION);
  const sharedMemory = registry.lease();
  const data = sharedMemory.bytes({ region: 'r', offset: 16, byteSize: 8 });
  const shared: Tensor = { name: 'S', datatype: 'FP32', shape: [1, 2], data };
  const { request } = buildRequest({ inputs: [shared, fp32('B', [1, 1], [7])], sharedMemory });
  return { request, memory };
}

test('an input in shared memory stays there when its request runs alone', () => {
  const { request, memory } = sharedRequest();
  const regions = passedRegions([request]);
  assert.deepEqual(
    regions.map((region) => region.memory),
    [memory],
  );
  const buffer = new ArrayBuffer(batchByteLength([request], regions));
  assert.ok(buffer.byteLength < 8 + 2 * 64);
  const [packed] = packBatch([request], { buffer, regions, allOutputs: [] });
  const [shared, body] = unpackTensors(packed?.inputs ?? [], [buffer, memory.buffer]);
  memory.bytes(16, 8).set([1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([...(shared?.data ?? [])], [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(shared?.data.buffer, memory.buffer);
  assert.equal(body?.data.buffer, buffer);
  assert.deepEqual([...(body?.data ?? [])], [...fp32('B', [1, 1], [7]).data]);
});

test('inputs of several requests lie back to back, so they are copied out of shared memory', () => {
  const [first, second] = [sharedRequest(), sharedRequest()];
  const requests = [first.request, second.request];
  first.memory.bytes(16, 8).fill(1);
  second.memory.bytes(16, 8).fill(2);
  assert.deepEqual(passedRegions(requests), []);
  const buffer = new ArrayBuffer(batchByteLength(requests));
  const packed = packBatch(requests, { buffer, allOutputs: [] });
  const columns = packed.map(({ inputs }) => unpackTensors(inputs, [buffer])[0]?.data ?? new Uint8Array());
  assert.deepEqual(
    columns.map((data) => [...data]),
    [Array<number>(8).fill(1), Array<number>(8).fill(2)],
  );
  assert.equal((columns[0]?.byteOffset ?? 0) + 8, columns[1]?.byteOffset);
});

test('a request without shared memory passes no regions', () => {
  const { request } = buildRequest({ inputs: [fp32('X', [1, 1], [1])] });
  assert.deepEqual(passedRegions([request]), []);
  assert.deepEqual(passedRegions([]), []);
});
