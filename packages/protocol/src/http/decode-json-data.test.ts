import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATATYPES, type Datatype } from '../datatype.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeInferRequest } from './infer-request.ts';

/** The bytes, in hexadecimal digits, that a `data` list becomes within a request. */
function dataOf(datatype: Datatype, data: string, shape: number[]): string {
  const text = `{"inputs":[{"name":"I","datatype":"${datatype}","shape":[${shape.join()}],"data":${data}}]}`;
  const options = { modelName: 'm', modelVersion: '', headerLength: undefined };
  return Buffer.from(decodeInferRequest(Buffer.from(text), options).inputs[0]?.data ?? []).toString('hex');
}

/** `CODE: message` of the error. */
function errorOf(datatype: Datatype, data: string, shape: number[]): string {
  try {
    dataOf(datatype, data, shape);
  } catch (error) {
    assert.ok(InferenceServerError.is(error), String(error));
    return `${error.code}: ${error.message}`;
  }
  return 'no error';
}

test('only the order of values counts, not the brackets', () => {
  for (const data of ['[1,2,3,4]', '[[1,2],[3,4]]', '[[1,2],[[3],4]]', '[1,[2],[[3]],4,[]]']) {
    assert.equal(dataOf('UINT8', data, [4]), '01020304');
  }
});

test('values become little-endian elements', () => {
  assert.equal(dataOf('BOOL', '[true,false]', [2]), '0100');
  assert.equal(dataOf('INT8', '[-128,127,-0]', [3]), '807f00');
  assert.equal(dataOf('UINT16', '[65535,1]', [2]), 'ffff0100');
  assert.equal(dataOf('INT32', '[-2147483648]', [1]), '00000080');
  assert.equal(dataOf('UINT32', '[4294967295]', []), 'ffffffff');
  assert.equal(
    dataOf('INT64', '[-2,4294967296,-9223372036854775808]', [3]),
    'feffffffffffffff' + '0000000001000000' + '0000000000000080',
  );
  assert.equal(
    dataOf('UINT64', '[9007199254740993,18446744073709551615]', [2]),
    '0100000000002000' + 'ffffffffffffffff',
  );
  assert.equal(dataOf('FP32', '[1,2.0,1e39]', [3]), '0000803f' + '00000040' + '0000807f');
  assert.equal(dataOf('FP32', '[NaN,Infinity]', [2]), '0000c07f' + '0000807f');
  assert.equal(dataOf('FP64', '[0.1]', [1]), '9a9999999999b93f');
  assert.equal(dataOf('BYTES', '["ü",""]', [2]), '02000000c3bc' + '00000000');
});

test('floats and exact integers may stand in one request', () => {
  const text = `{"inputs":[{"name":"F","datatype":"FP32","shape":[2],"data":[1.0,9007199254740993]},
    {"name":"I","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}`;
  const options = { modelName: 'm', modelVersion: '', headerLength: undefined };
  const [floats, integers] = decodeInferRequest(Buffer.from(text), options).inputs;
  assert.equal(Buffer.from(floats?.data ?? []).toString('hex'), '0000803f' + '0000005a');
  assert.equal(Buffer.from(integers?.data ?? []).readBigInt64LE(), 9007199254740993n);
});

test('a tensor without elements has no data, of any datatype', () => {
  for (const datatype of DATATYPES) assert.equal(dataOf(datatype, '[]', [0, 3]), '');
});

test('the number of strings is left to the core', () => {
  assert.equal(dataOf('BYTES', '["a"]', [2]), '0100000061');
});

test('values must be of the datatype', () => {
  const refused = (datatype: Datatype, values: string[], problem: string): void => {
    for (const value of values) {
      assert.equal(errorOf(datatype, `[${value}]`, [1]), `INTERNAL: Unable to parse 'data': ${problem}`);
    }
  };
  const signed = 'attempt to access JSON non-signed-integer as signed-integer';
  const unsigned = 'attempt to access JSON non-unsigned-integer as unsigned-integer';
  const noIntegers = ['"7"', 'true', 'null', '1.5', '1.0', '{}', 'NaN'];
  for (const datatype of ['INT8', 'INT32', 'INT64'] as const) refused(datatype, noIntegers, signed);
  for (const datatype of ['UINT8', 'UINT64'] as const) refused(datatype, [...noIntegers, '-1'], unsigned);
  refused('BOOL', ['0', '"true"'], 'attempt to access JSON non-boolean as boolean');
  refused('FP32', ['"1.5"', 'null', 'true'], 'attempt to access JSON non-number as double');
  assert.equal(
    errorOf('BYTES', '[5]', [1]),
    'INTERNAL: Unable to parse JSON bytes array: attempt to access JSON non-string as string',
  );
});

test('integers out of range are refused', () => {
  const outOfRange = (datatype: Datatype, value: string): void =>
    assert.equal(
      errorOf(datatype, `[${value}]`, [1]),
      `INVALID_ARG: value ${value} of input 'I' is out of range for datatype ${datatype}`,
    );
  outOfRange('INT8', '128');
  outOfRange('INT8', '-129');
  outOfRange('UINT8', '256');
  outOfRange('INT32', '2147483648');
  outOfRange('INT32', '9007199254740993');
  outOfRange('INT64', '9223372036854775808');
});

test('the number of values must fit the shape', () => {
  for (const data of ['[1,2,3]', '[1,2,3,4,5]', '[]']) {
    assert.equal(
      errorOf('INT32', data, [4]),
      "INTERNAL: Unable to parse 'data': Shape does not match true shape of 'data' field",
    );
  }
  assert.match(
    errorOf('INT32', '[1]', [8, 2 ** 62]),
    /^INVALID_ARG: invalid shape for input 'I': shape \[8,.*element count/,
  );
});

test('up to 99 levels of brackets are accepted', () => {
  const nested = (levels: number): string => '['.repeat(levels) + '1' + ']'.repeat(levels);
  assert.equal(dataOf('UINT8', nested(99), [1]), '01');
  assert.equal(dataOf('FP32', nested(99).replace('1', 'NaN'), [1]), '0000c07f');
  assert.equal(
    errorOf('UINT8', nested(100), [1]),
    "INVALID_ARG: Unable to parse 'data': JSON nesting depth exceeds maximum allowed limit (100)",
  );
});

test('FP16 and BF16 cannot come as JSON', () => {
  for (const datatype of ['FP16', 'BF16'] as const) {
    assert.equal(
      errorOf(datatype, '[1]', [1]),
      `INVALID_ARG: receiving ${datatype} data via JSON is not supported. ` +
        'Please use the binary data format for input I',
    );
  }
});
