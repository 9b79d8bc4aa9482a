import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferInput, InferRequestMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { encodeInferRequest } from './encode-infer-request.ts';

function request(...inputs: InferInput[]): InferRequestMessage {
  return {
    modelName: 'm',
    modelVersion: '',
    id: '',
    inputs,
    outputs: [],
    binaryDataOutput: false,
    priority: 0,
    timeoutUs: 0,
    sequence: undefined,
    parameters: undefined,
  };
}

const INPUT = { name: 'I', datatype: 'UINT8', shape: [2], data: Uint8Array.of(1, 2) } as const;

test('a request says no more than it has to', () => {
  const { header, chunks, headerLength } = encodeInferRequest(request(INPUT), { binary: [] });
  assert.equal(header.toString(), '{"inputs":[{"name":"I","datatype":"UINT8","shape":[2],"data":[1,2]}]}');
  assert.deepEqual(chunks, []);
  assert.equal(headerLength, undefined);
});

test('bytes of binary inputs are not copied', () => {
  const { header, chunks, headerLength } = encodeInferRequest(request(INPUT), { binary: [true] });
  assert.match(header.toString(), /"parameters":\{"binary_data_size":2\}/);
  assert.equal(chunks[0], INPUT.data);
  assert.equal(headerLength, header.length);
});

test('an input in shared memory names its place', () => {
  const sharedMemory = { region: 'r', byteSize: 2, offset: 8 };
  const { header } = encodeInferRequest(request({ name: 'I', datatype: 'UINT8', shape: [2], sharedMemory }), {
    binary: [true],
  });
  assert.deepEqual(JSON.parse(header.toString()).inputs[0].parameters, {
    shared_memory_region: 'r',
    shared_memory_byte_size: 2,
    shared_memory_offset: 8,
  });
});

test('a raw input is sent as it is', () => {
  const rawInput = Uint8Array.of(1);
  assert.deepEqual(encodeInferRequest({ ...request(), rawInput }, { binary: [] }), {
    header: Buffer.alloc(0),
    chunks: [rawInput],
    headerLength: 0,
  });
});

test('an input without content is refused', () => {
  assert.throws(
    () => encodeInferRequest(request({ name: 'I', datatype: 'UINT8', shape: [2] }), { binary: [] }),
    (error) =>
      InferenceServerError.is(error) && error.code === 'INVALID_ARG' && error.message.includes("'I'"),
  );
});
