import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { DATATYPES, type Datatype } from '../datatype.ts';
import { ModelInferResponseSchema, ModelStreamInferResponseSchema } from '../gen/index.ts';
import type { InferResponseMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeModelInferResponse, encodeModelInferResponse } from './infer-response.ts';
import { decodeModelStreamInferResponse, encodeModelStreamInferResponse } from './stream-infer-response.ts';

const RESPONSE: InferResponseMessage = {
  modelName: 'addsub',
  modelVersion: '1',
  id: 'r',
  parameters: { a: true, b: 42, c: 123.123, d: 'x', e: 2n ** 62n },
  outputs: [
    { name: 'OUTPUT0', datatype: 'INT32', shape: [1, 4], data: new Uint8Array(16).fill(7) },
    { name: 'SCALAR', datatype: 'BOOL', shape: [], data: Uint8Array.of(1) },
  ],
};
const EMPTY: InferResponseMessage = {
  modelName: '',
  modelVersion: '',
  id: '',
  parameters: undefined,
  outputs: [],
};

test('generated code reads the response', () => {
  const response = fromBinary(ModelInferResponseSchema, encodeModelInferResponse(RESPONSE));
  assert.deepEqual(
    [response.modelName, response.modelVersion, response.id, response.outputs.length],
    ['addsub', '1', 'r', 2],
  );
  assert.deepEqual(
    Object.entries(response.parameters).map(([name, { parameterChoice }]) => [name, parameterChoice]),
    [
      ['a', { case: 'boolParam', value: true }],
      ['b', { case: 'int64Param', value: 42n }],
      ['c', { case: 'doubleParam', value: 123.123 }],
      ['d', { case: 'stringParam', value: 'x' }],
      ['e', { case: 'int64Param', value: 2n ** 62n }],
    ],
  );
  assert.deepEqual(response.outputs[0]?.shape, [1n, 4n]);
  assert.deepEqual(
    response.rawOutputContents.map((bytes) => bytes.length),
    [16, 1],
  );
});

test('the bytes of a small response are as worked out by hand', () => {
  const bytes = encodeModelInferResponse({
    ...EMPTY,
    modelName: 'm',
    outputs: [{ name: 'O', datatype: 'BOOL', shape: [1, 300], data: Uint8Array.of(1) }],
  });
  assert.equal(
    bytes.toString('hex'),
    '0a016d' + '2a0e' + '0a014f' + '1204424f4f4c' + '1a0301ac02' + '320101',
  );
});

test('an output in shared memory has an empty entry', () => {
  const bytes = encodeModelInferResponse({
    ...EMPTY,
    outputs: [
      {
        name: 'A',
        datatype: 'INT32',
        shape: [1],
        data: new Uint8Array(4),
        sharedMemory: { region: 'r', byteSize: 4, offset: 0 },
      },
      { name: 'B', datatype: 'INT8', shape: [1], data: Uint8Array.of(5) },
    ],
  });
  const response = fromBinary(ModelInferResponseSchema, bytes);
  assert.deepEqual(
    response.rawOutputContents.map((raw) => [...raw]),
    [[], [5]],
  );
  assert.deepEqual(response.outputs[0]?.parameters, {});
});

test('a response above the limit of gRPC is refused', () => {
  // Only its length is looked at: two gigabytes need not be there.
  const data = Object.defineProperty(new Uint8Array(0), 'length', { value: 2 ** 31 });
  assert.throws(
    () => encodeModelInferResponse({ ...EMPTY, outputs: [{ name: '', datatype: 'INT8', shape: [], data }] }),
    (error) =>
      InferenceServerError.is(error) &&
      error.code === 'INVALID_ARG' &&
      /^Response has byte size \d+ which exceeds gRPC's byte size limit 2147483647\.$/.test(error.message),
  );
});

test('a client reads raw contents as views', () => {
  const bytes = encodeModelInferResponse(RESPONSE);
  const response = decodeModelInferResponse(bytes);
  assert.equal(response.outputs[0]?.data.buffer, bytes.buffer);
});

test('a client reads typed contents, too', () => {
  const bytes = toBinary(
    ModelInferResponseSchema,
    create(ModelInferResponseSchema, {
      outputs: [{ name: 'O', datatype: 'INT16', shape: [2n], contents: { intContents: [1, -1] } }],
    }),
  );
  assert.deepEqual([...(decodeModelInferResponse(bytes).outputs[0]?.data ?? [])], [1, 0, 255, 255]);
});

test('a stream carries the final flag among the parameters', () => {
  for (const final of [true, false]) {
    const bytes = encodeModelStreamInferResponse({ response: RESPONSE, final });
    const { inferResponse } = fromBinary(ModelStreamInferResponseSchema, bytes);
    assert.deepEqual(inferResponse?.parameters['triton_final_response']?.parameterChoice, {
      case: 'boolParam',
      value: final,
    });
    const decoded = decodeModelStreamInferResponse(bytes);
    assert.equal(decoded.final, final);
    assert.deepEqual(decoded.response?.parameters, RESPONSE.parameters);
  }
});

test('an error on a stream names the request', () => {
  const bytes = encodeModelStreamInferResponse({
    errorMessage: 'no such model',
    response: { ...EMPTY, id: 'x' },
  });
  assert.equal(
    bytes.toString('hex'),
    '0a0d' + Buffer.from('no such model').toString('hex') + '1203' + '1a0178',
  );
  assert.deepEqual(decodeModelStreamInferResponse(bytes), {
    errorMessage: 'no such model',
    response: { ...EMPTY, id: 'x' },
    final: undefined,
  });
});

test('an empty final response has only its flag', () => {
  const bytes = encodeModelStreamInferResponse({
    response: { ...EMPTY, id: 'r', modelName: 'py' },
    final: true,
  });
  assert.deepEqual(decodeModelStreamInferResponse(bytes), {
    errorMessage: '',
    response: { ...EMPTY, id: 'r', modelName: 'py' },
    final: true,
  });
});

test('any bytes decode or throw an InferenceServerError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeModelStreamInferResponse(bytes);
      } catch (error) {
        assert.ok(InferenceServerError.is(error), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('an encoded response decodes to itself, and means the same to generated code', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const output = fc.record(
    {
      name: text,
      datatype: fc.constantFrom<Datatype>(...DATATYPES),
      shape: fc.array(fc.oneof(fc.nat(300), fc.maxSafeInteger())),
      data: fc.uint8Array({ maxLength: 300 }),
    },
    { noNullPrototype: true },
  );
  const response: fc.Arbitrary<InferResponseMessage> = fc.record(
    {
      modelName: text,
      modelVersion: text,
      id: text,
      parameters: fc.constantFrom(undefined, RESPONSE.parameters),
      outputs: fc.array(output, { maxLength: 3 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(response, (message) => {
      const bytes = new Uint8Array(encodeModelInferResponse(message));
      assert.deepEqual(decodeModelInferResponse(bytes), message);
      const generated = fromBinary(ModelInferResponseSchema, bytes);
      assert.equal(generated.$unknown, undefined);
      assert.deepEqual(decodeModelInferResponse(toBinary(ModelInferResponseSchema, generated)), message);
    }),
    { numRuns: 300 },
  );
});
