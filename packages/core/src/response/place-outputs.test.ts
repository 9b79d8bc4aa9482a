import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError, type InferRequestedOutput, type Tensor } from '@nereid/protocol';
import { FakeRegionMemory } from '../../test/fake-region-memory.ts';
import { SharedMemoryRegistry } from '../memory/shared-memory-registry.ts';
import { errorResponse } from './inference-response.ts';
import { placeResponse } from './place-outputs.ts';

function output(name: string, ...bytes: readonly number[]): Tensor {
  return { name, datatype: 'UINT8', shape: [bytes.length], data: Uint8Array.from(bytes) };
}

/** A request that uses a region of 16 bytes. */
function setUp(...wanted: readonly (readonly [name: string, offset?: number, byteSize?: number])[]) {
  const memory = new FakeRegionMemory({ key: '/k', offset: 0, byteSize: 16 });
  const registry = new SharedMemoryRegistry({ isAllowed: true, open: () => memory });
  registry.registerSystem({ name: 'r', key: '/k', offset: 0, byteSize: 16 });
  const sharedMemory = registry.lease();
  const requestedOutputs: readonly InferRequestedOutput[] = wanted.map(([name, offset, byteSize = 4]) => ({
    name,
    classification: 0,
    binaryData: false,
    ...(offset !== undefined && { sharedMemory: { region: 'r', offset, byteSize } }),
  }));
  for (const { sharedMemory: ref } of requestedOutputs) if (ref !== undefined) sharedMemory.bytes(ref);
  const place = (...outputs: readonly Tensor[]) =>
    placeResponse({ outputs, parameters: { p: 1 }, error: undefined }, { requestedOutputs, sharedMemory });
  return { place, memory, sharedMemory, requestedOutputs };
}

test('an output goes to its place, and leaves no bytes in the response', () => {
  const { place, memory } = setUp(['A', 4], ['B']);
  const { outputs, parameters, error } = place(output('A', 1, 2, 3), output('B', 9));
  assert.equal(error, undefined);
  assert.deepEqual([...memory.bytes(0, 9)], [0, 0, 0, 0, 1, 2, 3, 0, 0]);
  assert.deepEqual(
    outputs.map(({ name, data, sharedMemory }) => [name, [...data], sharedMemory?.offset]),
    [
      ['A', [], 4],
      ['B', [9], undefined],
    ],
  );
  assert.deepEqual(parameters, { p: 1 });
});

test('a place that is too small is an error, and nothing is written', () => {
  const { place, memory } = setUp(['A', 0, 2]);
  const { error, outputs } = place(output('A', 1, 2, 3));
  assert.equal(error?.code, 'INTERNAL');
  assert.equal(
    error?.message,
    "shared memory size specified with the request for output 'A' (2 bytes) should be at least 3 bytes to hold the results",
  );
  assert.deepEqual(outputs, []);
  assert.deepEqual([...memory.bytes(0, 4)], [0, 0, 0, 0]);
});

test('an output that is placed already is not placed again', () => {
  const { place, memory, sharedMemory, requestedOutputs } = setUp(['A', 0]);
  const placed = place(output('A', 1));
  memory.bytes(0, 1)[0] = 5;
  const again = placeResponse(placed, { requestedOutputs, sharedMemory });
  assert.equal(again.error, undefined);
  assert.equal(memory.bytes(0, 1)[0], 5);
});

test('what a backend gives back out of a region is copied', () => {
  const { place, memory } = setUp(['A', 8], ['B']);
  memory.bytes(0, 2).set([1, 2]);
  const { outputs } = place({ ...output('B'), data: memory.bytes(0, 2) });
  assert.notEqual(outputs[0]?.data.buffer, memory.buffer);
  assert.deepEqual([...(outputs[0]?.data ?? [])], [1, 2]);
});

test('a region that lost memory while the model ran makes the response an error', () => {
  const { place, memory } = setUp(['A', 0]);
  memory.intact = false;
  assert.match(place(output('A', 1)).error?.message ?? '', /region 'r' has lost memory/);
});

test('errors, and responses of requests without shared memory, stay as they are', () => {
  const { sharedMemory, requestedOutputs } = setUp(['A', 0]);
  const failed = errorResponse(new InferenceServerError('INTERNAL', 'x'));
  assert.equal(placeResponse(failed, { requestedOutputs, sharedMemory }), failed);
  const plain = { outputs: [output('A', 1)], parameters: undefined, error: undefined };
  assert.equal(placeResponse(plain, { requestedOutputs, sharedMemory: undefined }), plain);
});
