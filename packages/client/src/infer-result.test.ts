import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError, type Datatype } from '@nereid/protocol';
import { InferInput, type InferInputValues } from './infer-input.ts';
import { InferResult } from './infer-result.ts';

function resultOf(datatype: Datatype, data: Uint8Array): InferResult {
  const outputs = [{ name: 'Y', datatype, shape: [1], data }];
  return new InferResult({ modelName: 'm', modelVersion: '1', id: '', parameters: undefined, outputs });
}

function echo(values: InferInputValues): InferResult {
  const { datatype, data = new Uint8Array(0) } = InferInput.from('X', values);
  return resultOf(datatype, data);
}

const fails = (code: string, message: RegExp) => (error: unknown) =>
  InferenceServerError.is(error) && error.code === code && message.test(error.message);

test('values come back as they were sent', () => {
  const sent: readonly InferInputValues[] = [
    Uint8Array.of(0, 255),
    Uint16Array.of(65535),
    Uint32Array.of(2 ** 32 - 1),
    BigUint64Array.of(2n ** 64n - 1n),
    Int8Array.of(-128),
    Int16Array.of(-32768),
    Int32Array.of(-(2 ** 31)),
    BigInt64Array.of(-(2n ** 63n)),
    ...(typeof Float16Array === 'undefined' ? [] : [Float16Array.of(0.5, 65504)]),
    Float32Array.of(0.5, NaN),
    Float64Array.of(0.1),
    ['', 'grün'],
    [true, false],
  ];
  for (const values of sent) assert.deepEqual(echo(values).output('Y'), values);
});

test('numbers are a view of the answer when they are aligned, and right when they are not', () => {
  const bytes = new Uint8Array(13);
  new DataView(bytes.buffer).setFloat32(4, 1.5, true);
  new DataView(bytes.buffer).setFloat32(9, 2.5, true);
  const aligned = resultOf('FP32', bytes.subarray(4, 8)).output('Y', 'FP32');
  assert.equal(aligned.buffer, bytes.buffer);
  assert.deepEqual(aligned, Float32Array.of(1.5));
  assert.deepEqual(resultOf('FP32', bytes.subarray(9)).output('Y', 'FP32'), Float32Array.of(2.5));
});

test('BF16 is widened', () => {
  assert.deepEqual(
    resultOf('BF16', Uint8Array.of(0xc0, 0xbf, 0x80, 0x43)).output('Y'),
    Float32Array.of(-1.5, 256),
  );
});

test('strings, bytes and numbers have methods of their own', () => {
  assert.deepEqual(echo(['a', 'b']).asStrings('Y'), ['a', 'b']);
  assert.deepEqual(
    echo([Buffer.from([0xff, 0])])
      .asBytes('Y')
      .map((bytes) => [...bytes]),
    [[0xff, 0]],
  );
  assert.deepEqual(echo(BigInt64Array.of(-1n, 5n)).asNumbers('Y'), [-1, 5]);
  assert.deepEqual(echo([true, false]).asNumbers('Y'), [1, 0]);
});

test('an output that is not there is NOT_FOUND, one of another datatype INVALID_ARG', () => {
  const result = echo(Int32Array.of(1));
  assert.throws(
    () => result.output('Z'),
    fails('NOT_FOUND', /^no output 'Z' in the response of model 'm', which has 'Y'$/),
  );
  assert.throws(
    () => result.output('Y', 'FP32'),
    fails('INVALID_ARG', /^output 'Y' of model 'm': expected FP32, got INT32$/),
  );
  assert.throws(() => result.asStrings('Y'), fails('INVALID_ARG', /expected BYTES, got INT32/));
  assert.throws(() => echo(['a']).asNumbers('Y'), fails('INVALID_ARG', /expected a number, got BYTES/));
});

test('bytes that end inside an element are refused', () => {
  assert.throws(() => resultOf('INT32', new Uint8Array(3)).output('Y'), fails('INTERNAL', /3 bytes/));
});
