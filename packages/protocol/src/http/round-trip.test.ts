import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeBytesTensor } from '../bytes-tensor.ts';
import { DATATYPES, datatypeByteSize, type Datatype } from '../datatype.ts';
import type { InferRequestMessage, InferResponseMessage, Tensor } from '../infer-message.ts';
import { decodeInferResponse } from './decode-infer-response.ts';
import { encodeInferRequest } from './encode-infer-request.ts';
import { decodeInferRequest } from './infer-request.ts';
import { encodeInferResponse } from './infer-response.ts';

/** Any values of a datatype as bytes; for JSON without NaN payloads and booleans other than 0 and 1. */
function bytesOf(datatype: Datatype): fc.Arbitrary<{ count: number; data: Uint8Array }> {
  const list = <T>(values: fc.Arbitrary<T>, encode: (values: T[]) => Uint8Array) =>
    fc.array(values, { maxLength: 8 }).map((v) => ({ count: v.length, data: Uint8Array.from(encode(v)) }));
  switch (datatype) {
    case 'BOOL':
      return list(fc.integer({ min: 0, max: 1 }), (v) => Uint8Array.from(v));
    case 'BYTES':
      return list(fc.string({ unit: 'grapheme' }), encodeBytesTensor);
    case 'FP32':
      return list(fc.float(), (v) => new Uint8Array(Float32Array.from(v).buffer));
    case 'FP64':
      return list(fc.double(), (v) => new Uint8Array(Float64Array.from(v).buffer));
    default: {
      const size = datatypeByteSize(datatype);
      return list(fc.uint8Array({ minLength: size, maxLength: size }), (v) => Buffer.concat(v));
    }
  }
}

const needsBinary = (datatype: Datatype): boolean => datatype === 'FP16' || datatype === 'BF16';

const tensors = fc.array(
  fc.constantFrom(...DATATYPES).chain((datatype) =>
    fc
      .record({ name: fc.string(), bytes: bytesOf(datatype), binary: fc.boolean() })
      .map(({ name, bytes, binary }) => ({
        tensor: { name, datatype, shape: [1, bytes.count], data: bytes.data } satisfies Tensor,
        binary: binary || needsBinary(datatype),
      })),
  ),
  { maxLength: 5 },
);

const parameters = fc.option(
  fc.dictionary(
    fc.string().filter((name) => name !== 'priority' && !name.startsWith('triton_')),
    fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.integer(),
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
      fc.constant(0.5),
    ),
    { minKeys: 1, noNullPrototype: true },
  ),
  { nil: undefined },
);

const copyOf = (data: Uint8Array | undefined): Uint8Array => Uint8Array.from(data ?? []);

test('any request comes back as it was sent', () => {
  fc.assert(
    fc.property(tensors, parameters, fc.string(), (list, custom, id) => {
      const request: InferRequestMessage = {
        modelName: 'm',
        modelVersion: '3',
        id,
        inputs: list.map(({ tensor }) => tensor),
        outputs: [
          { name: 'A', classification: 0, binaryData: true },
          { name: 'B', classification: 2, binaryData: false },
          {
            name: 'C',
            classification: 0,
            binaryData: false,
            sharedMemory: { region: 'r', byteSize: 8, offset: 1 },
          },
        ],
        binaryDataOutput: list.length > 2,
        priority: list.length,
        timeoutUs: 7,
        sequence: list.length > 1 ? { id: 2n ** 63n, start: true, end: false } : undefined,
        parameters: custom,
      };
      const { header, chunks, headerLength } = encodeInferRequest(request, {
        binary: list.map(({ binary }) => binary),
      });
      const decoded = decodeInferRequest(Buffer.concat([header, ...chunks]), {
        modelName: 'm',
        modelVersion: '3',
        headerLength,
      });
      const inputs = decoded.inputs.map((input) => ({ ...input, data: copyOf(input.data) }));
      assert.deepEqual({ ...decoded, inputs }, request);
    }),
  );
});

test('any response comes back as it was sent', () => {
  fc.assert(
    fc.property(tensors, parameters, fc.string(), (list, custom, id) => {
      const response: InferResponseMessage = {
        modelName: 'm',
        modelVersion: '3',
        id,
        parameters: custom,
        outputs: list.map(({ tensor }) => tensor),
      };
      const { json, binaries, headerLength } = encodeInferResponse(
        response,
        list.map(({ binary }) => binary),
      );
      const decoded = decodeInferResponse(Buffer.concat([json, ...binaries]), headerLength);
      const outputs = decoded.outputs.map((output) => ({ ...output, data: copyOf(output.data) }));
      assert.deepEqual({ ...decoded, outputs }, response);
    }),
  );
});
