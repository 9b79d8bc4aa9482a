import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBytesTensor } from '../bytes-tensor.ts';
import type { Datatype } from '../datatype.ts';
import type { InferOutput, InferRequestMessage, InferResponseMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeInferRequest } from './infer-request.ts';
import { encodeInferResponse, selectBinaryOutputs } from './infer-response.ts';

function output(
  datatype: Datatype,
  shape: number[],
  data: Uint8Array | { buffer: ArrayBufferLike },
): InferOutput {
  return {
    name: 'O',
    datatype,
    shape,
    data: data instanceof Uint8Array ? data : new Uint8Array(data.buffer),
  };
}

function response(...outputs: InferOutput[]): InferResponseMessage {
  return { modelName: 'm', modelVersion: '1', id: '', parameters: undefined, outputs };
}

/** The `data` list as it is written. */
function dataText(
  datatype: Datatype,
  shape: number[],
  data: Uint8Array | { buffer: ArrayBufferLike },
): string {
  const text = encodeInferResponse(response(output(datatype, shape, data)), []).json.toString();
  return text.slice(text.indexOf('"data":') + 7, -3);
}

function fails(code: string, message: string): (error: unknown) => boolean {
  return (error) => InferenceServerError.is(error) && error.code === code && error.message === message;
}

const int32 = (...values: number[]): InferOutput => output('INT32', [values.length], Int32Array.from(values));

test('members stand in the order of Triton', () => {
  const message = {
    ...response(int32(1, -2)),
    id: 'a"b',
    parameters: { s: 'x', i: 42, b: false, d: 123.123 },
  };
  assert.equal(
    encodeInferResponse(message, []).json.toString(),
    '{"id":"a\\"b","model_name":"m","model_version":"1","parameters":{"s":"x","i":42,"b":false,"d":123.123},' +
      '"outputs":[{"name":"O","datatype":"INT32","shape":[2],"data":[1,-2]}]}',
  );
});

test('id and parameters are left out when there are none', () => {
  assert.deepEqual(encodeInferResponse(response(), []), {
    json: Buffer.from('{"model_name":"m","model_version":"1","outputs":[]}'),
    binaries: [],
    headerLength: undefined,
  });
});

test('64-bit and non-finite parameters are written as they are', () => {
  const message = { ...response(), parameters: { big: 9007199254740993n, nan: NaN } };
  assert.match(
    encodeInferResponse(message, []).json.toString(),
    /"parameters":\{"big":9007199254740993,"nan":NaN\}/,
  );
});

test('binary outputs follow the JSON in their order', () => {
  const outputs = [int32(1), int32(2), int32(3)];
  const { json, binaries, headerLength } = encodeInferResponse(response(...outputs), [true, false, true]);
  assert.equal(headerLength, json.length);
  assert.deepEqual(binaries, [outputs[0]?.data, outputs[2]?.data]);
  const [first, second] = JSON.parse(json.toString()).outputs;
  assert.deepEqual(first, { name: 'O', datatype: 'INT32', shape: [1], parameters: { binary_data_size: 4 } });
  assert.deepEqual(second.data, [2]);
});

test('without any binary byte there is no header length', () => {
  const encoded = encodeInferResponse(response(output('FP16', [0], new Uint8Array(0))), [true]);
  assert.equal(encoded.headerLength, undefined);
  assert.deepEqual(encoded.binaries, []);
  assert.match(encoded.json.toString(), /"parameters":\{"binary_data_size":0\}/);
});

test('an output in shared memory has neither data nor size', () => {
  const shared = {
    ...output('FP32', [4], new Uint8Array(0)),
    sharedMemory: { region: 'r', byteSize: 16, offset: 0 },
  };
  assert.match(
    encodeInferResponse(response(shared), [false]).json.toString(),
    /"outputs":\[\{"name":"O","datatype":"FP32","shape":\[4\]\}\]/,
  );
});

test('whole floats keep their point', () => {
  assert.equal(dataText('FP32', [3], Float32Array.of(1, -2, 0)), '[1.0,-2.0,0.0]');
  assert.equal(dataText('FP32', [4], Float32Array.of(1, 0.5, -1.25, 100)), '[1.0,0.5,-1.25,100.0]');
  assert.equal(dataText('FP64', [4], Float64Array.of(1e300, 0.5, -1e-7, 12)), '[1e+300,0.5,-1e-7,12.0]');
  assert.equal(dataText('FP64', [2], Float64Array.of(1e21, 1e20)), '[1e+21,100000000000000000000.0]');
});

test('FP32 is widened to a double', () => {
  assert.equal(dataText('FP32', [1], Float32Array.of(0.1)), '[0.10000000149011612]');
});

test('negative zero, NaN and infinity are written bare', () => {
  assert.equal(
    dataText('FP32', [5], Float32Array.of(NaN, Infinity, -Infinity, -0, 0.5)),
    '[NaN,Infinity,-Infinity,-0.0,0.5]',
  );
});

test('integers are exact', () => {
  assert.equal(
    dataText('INT64', [3], BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 53n + 1n)),
    '[-9223372036854775808,0,9007199254740993]',
  );
  assert.equal(dataText('INT64', [2], BigInt64Array.of(-1n, 2n ** 40n)), '[-1,1099511627776]');
  assert.equal(dataText('UINT64', [1], BigUint64Array.of(2n ** 64n - 1n)), '[18446744073709551615]');
  assert.equal(dataText('UINT64', [1], BigUint64Array.of(2n ** 53n - 1n)), '[9007199254740991]');
  assert.equal(dataText('UINT32', [1], Uint32Array.of(4294967295)), '[4294967295]');
  assert.equal(dataText('INT16', [2], Int16Array.of(-32768, 32767)), '[-32768,32767]');
  assert.equal(dataText('UINT8', [2], Uint8Array.of(0, 255)), '[0,255]');
  assert.equal(dataText('INT8', [1], Uint8Array.of(255)), '[-1]');
});

test('booleans and strings', () => {
  assert.equal(dataText('BOOL', [3], Uint8Array.of(1, 0, 2)), '[true,false,true]');
  assert.equal(dataText('BYTES', [2], encodeBytesTensor(['a"b\\c\n', '😀'])), '["a\\"b\\\\c\\n","😀"]');
});

test('data is one flat list, whatever the shape', () => {
  assert.equal(dataText('INT32', [2, 2], Int32Array.of(1, 2, 3, 4)), '[1,2,3,4]');
});

test('data may begin at any byte', () => {
  for (const [datatype, text] of [
    ['FP32', '[0.5]'],
    ['INT16', '[0,16128]'],
    ['FP64', '[]'],
  ] as const) {
    const bytes = Buffer.from('000000003f', 'hex').subarray(1, datatype === 'FP64' ? 1 : 5);
    const shape = [text === '[]' ? 0 : bytes.length / (datatype === 'INT16' ? 2 : 4)];
    assert.equal(
      dataText(datatype, shape, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)),
      text,
    );
  }
});

test('FP16 and BF16 cannot go as JSON unless they are empty', () => {
  for (const datatype of ['FP16', 'BF16'] as const) {
    assert.throws(
      () => dataText(datatype, [1], new Uint8Array(2)),
      fails(
        'INVALID_ARG',
        `sending ${datatype} data via JSON is not supported. Please use the binary data format for output`,
      ),
    );
    assert.equal(dataText(datatype, [0], new Uint8Array(0)), '[]');
  }
});

test('bytes that do not fit the shape are an internal error', () => {
  assert.throws(
    () => dataText('FP32', [3], new Uint8Array(8)),
    fails(
      'INTERNAL',
      "Failed to write 'data' field: output tensor shape does not match size of output for 'O'",
    ),
  );
  for (const data of [encodeBytesTensor(['a', 'b']), Uint8Array.of(9, 0, 0, 0)]) {
    assert.throws(
      () => dataText('BYTES', [1], data),
      fails('INTERNAL', "output tensor shape does not match size of output for 'O'"),
    );
  }
});

test('binary_data_output is only for outputs that are not listed', () => {
  const request = (json: object): InferRequestMessage =>
    decodeInferRequest(Buffer.from(JSON.stringify({ inputs: [], ...json })), {
      modelName: 'm',
      modelVersion: '',
      headerLength: undefined,
    });
  const answer = response({ ...int32(1), name: 'A' }, { ...int32(2), name: 'B' });
  const parameters = { binary_data_output: true };
  const outputs = [{ name: 'A' }, { name: 'B', parameters: { binary_data: true } }];
  assert.deepEqual(selectBinaryOutputs(request({}), answer), [false, false]);
  assert.deepEqual(selectBinaryOutputs(request({ parameters }), answer), [true, true]);
  assert.deepEqual(selectBinaryOutputs(request({ parameters, outputs }), answer), [false, true]);
});
