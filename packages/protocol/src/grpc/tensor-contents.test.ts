import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import type { Datatype } from '../datatype.ts';
import { InferTensorContentsSchema } from '../gen/index.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeTensorContents } from './tensor-contents.ts';

type Contents = Omit<MessageInitShape<typeof InferTensorContentsSchema>, '$typeName'>;

function decode(datatype: Datatype | undefined, contents: Contents | Uint8Array): Uint8Array {
  const bytes =
    contents instanceof Uint8Array
      ? contents
      : toBinary(InferTensorContentsSchema, create(InferTensorContentsSchema, contents));
  return decodeTensorContents(bytes, { name: 'X', modelName: 'm', datatype });
}

function bytesOf(values: ArrayBufferView): number[] {
  return [...new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
}

const invalid = (message: string) => (error: unknown) =>
  InferenceServerError.is(error) && error.code === 'INVALID_ARG' && error.message === message;

const GOOD: readonly (readonly [Datatype, Contents, ArrayBufferView])[] = [
  ['BOOL', { boolContents: [true, false, true] }, Uint8Array.of(1, 0, 1)],
  ['INT8', { intContents: [-128, 0, 127] }, Int8Array.of(-128, 0, 127)],
  ['INT16', { intContents: [-32768, 32767] }, Int16Array.of(-32768, 32767)],
  ['INT32', { intContents: [-(2 ** 31), 0, 2 ** 31 - 1] }, Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1)],
  ['INT64', { int64Contents: [-(2n ** 63n), 5n] }, BigInt64Array.of(-(2n ** 63n), 5n)],
  ['UINT8', { uintContents: [0, 255] }, Uint8Array.of(0, 255)],
  ['UINT16', { uintContents: [0, 65535] }, Uint16Array.of(0, 65535)],
  ['UINT32', { uintContents: [0, 2 ** 32 - 1] }, Uint32Array.of(0, 2 ** 32 - 1)],
  ['UINT64', { uint64Contents: [0n, 2n ** 64n - 1n] }, BigUint64Array.of(0n, 2n ** 64n - 1n)],
  ['FP32', { fp32Contents: [0.5, -3e38] }, Float32Array.of(0.5, -3e38)],
  ['FP64', { fp64Contents: [0.1, Infinity] }, Float64Array.of(0.1, Infinity)],
];

for (const [datatype, contents, expected] of GOOD) {
  test(`${datatype} contents become the bytes of the tensor`, () => {
    assert.deepEqual([...decode(datatype, contents)], bytesOf(expected));
  });
}

test('BYTES contents get length prefixes', () => {
  const elements = [Buffer.from('ab'), Buffer.from(''), Buffer.from([0xff])];
  assert.deepEqual(
    Buffer.from(decode('BYTES', { bytesContents: elements })).toString('hex'),
    '020000006162' + '00000000' + '01000000ff',
  );
});

test('values that do not fit keep their low bytes', () => {
  assert.deepEqual([...decode('INT8', { intContents: [300] })], [44]);
  assert.deepEqual([...decode('UINT16', { uintContents: [65537] })], [1, 0]);
});

test('values that are not packed read like packed ones', () => {
  assert.deepEqual([...decode('INT8', Buffer.from('10011002120103', 'hex'))], [1, 2, 3]);
  const floats = decode('FP32', Buffer.from('350000003f32040000803f', 'hex'));
  assert.deepEqual([...floats], bytesOf(Float32Array.of(0.5, 1)));
});

test('packed floats are not copied', () => {
  const bytes = toBinary(
    InferTensorContentsSchema,
    create(InferTensorContentsSchema, { fp32Contents: [1, 2] }),
  );
  assert.equal(decode('FP32', bytes).buffer, bytes.buffer);
});

test('contents without values are an empty tensor', () => {
  assert.equal(decode('FP32', {}).length, 0);
  assert.equal(decode('INT32', Buffer.from('1200', 'hex')).length, 0);
});

test('a field of another datatype is refused', () => {
  assert.throws(
    () => decode('INT32', { int64Contents: [1n] }),
    invalid(
      "unexpected explicit tensor data for input tensor 'X' for model 'm' of type 'INT64', expected datatype 'INT32'",
    ),
  );
  assert.throws(
    () => decode('FP16', { fp32Contents: [1] }),
    invalid(
      "unexpected explicit tensor data for input tensor 'X' for model 'm' of type 'FP32', expected datatype 'FP16'",
    ),
  );
  assert.throws(
    () => decode(undefined, { intContents: [1] }),
    invalid(
      "unexpected explicit tensor data for input tensor 'X' for model 'm' of type 'INT32', expected datatype '<invalid>'",
    ),
  );
});

test('two fields with values are refused', () => {
  assert.throws(
    () => decode('BOOL', { boolContents: [true], fp32Contents: [1] }),
    invalid(
      "unexpected explicit tensor data for input tensor 'X' for model 'm', binary data was already supplied.",
    ),
  );
});

test('contents that end inside a value are malformed', () => {
  const malformed = (error: unknown) => InferenceServerError.is(error) && error.code === 'INTERNAL';
  assert.throws(() => decode('INT32', Buffer.from('120180', 'hex')), malformed);
  assert.throws(() => decode('INT32', Buffer.from('120180120101', 'hex')), malformed);
  assert.throws(() => decode('FP32', Buffer.from('3203000000', 'hex')), malformed);
});
