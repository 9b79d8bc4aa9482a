import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeStringTensor, encodeBytesTensor } from '../bytes-tensor.ts';
import type { InferRequestMessage, Tensor } from '../infer-message.ts';
import { decodeGenerateRequest, type GenerateInput } from './decode-generate-request.ts';
import { encodeGenerateResponse } from './encode-generate-response.ts';

const TEXT: GenerateInput = { name: 'text', datatype: 'BYTES', shape: [1] };

function decode(body: object | string, ...inputs: readonly GenerateInput[]): InferRequestMessage {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return decodeGenerateRequest(Buffer.from(text), { modelName: 'm', modelVersion: '', inputs });
}

/** The shape that an INT32 input gets. */
function shapeOf(values: unknown, shape: readonly number[]): readonly number[] | undefined {
  return decode({ X: values }, { name: 'X', datatype: 'INT32', shape }).inputs[0]?.shape;
}

function encode(
  fields: { id?: string; parameters?: Record<string, string | number | boolean> },
  ...outputs: Tensor[]
) {
  const { id = '', parameters } = fields;
  return encodeGenerateResponse({ modelName: 'm', modelVersion: '2', id, parameters, outputs });
}

describe('decodeGenerateRequest', () => {
  test('makes tensors of keys that name inputs, parameters of the others', () => {
    const message = decode({ text: 'hi', temperature: 0.5, stop: 'x', flag: true }, TEXT);
    const [input] = message.inputs;
    assert.deepEqual(decodeStringTensor(input?.data ?? new Uint8Array()), ['hi']);
    assert.deepEqual(message.parameters, { temperature: 0.5, stop: 'x', flag: true });
  });

  test('takes `parameters` apart in the same way, one level deep', () => {
    const message = decode({ parameters: { text: 'hi', top_k: 3 } }, TEXT);
    assert.equal(message.inputs.length, 1);
    assert.deepEqual(message.parameters, { top_k: 3 });
    assert.throws(() => decode({ parameters: { parameters: {} } }), {
      code: 'INVALID_ARG',
      message: /'parameters'/,
    });
    assert.throws(() => decode({ parameters: 3 }), { code: 'INTERNAL', message: /non-object/ });
  });

  test("refuses the names of the server's own parameters", () => {
    for (const body of [{ triton_client_key: 'a' }, { parameters: { triton_x: 1 } }]) {
      assert.throws(() => decode(body), {
        code: 'INVALID_ARG',
        message: /starting with 'triton_' are reserved/,
      });
    }
  });

  test('makes the id a parameter, too, and gives no meaning to other names', () => {
    const message = decode({ id: 'a', priority: 2, timeout: 9, sequence_id: 4 });
    assert.equal(message.id, 'a');
    assert.deepEqual(message.parameters, { id: 'a', priority: 2, timeout: 9, sequence_id: 4 });
    assert.deepEqual([message.priority, message.timeoutUs, message.sequence], [0, 0, undefined]);
  });

  test('fits the elements into the shape of the input', () => {
    assert.deepEqual(shapeOf(7, [1]), [1]);
    assert.deepEqual(shapeOf([1, 2, 3], [-1]), [3]);
    assert.deepEqual(shapeOf([1, 2, 3, 4], [-1, 4]), [1, 4]);
    assert.deepEqual(shapeOf([1, 2, 3, 4, 5, 6, 7, 8], [-1, 4]), [2, 4]);
    assert.deepEqual(shapeOf([1, 2, 3, 4, 5, 6], [-1, -1, 2, -1]), [1, 1, 2, 3]);
    assert.deepEqual(shapeOf([], [-1]), [0]);
    assert.deepEqual(shapeOf(7, []), []);
  });

  test('refuses elements that do not fit', () => {
    for (const [values, shape] of [
      [[1, 2, 3], [2]],
      [
        [1, 2, 3],
        [-1, 2],
      ],
      [[1, 2, 3, 4], [2]],
      [[], [1]],
    ] as const) {
      assert.throws(() => shapeOf(values, shape), { code: 'INVALID_ARG', message: /'X' has \d elements/ });
    }
  });

  test('refuses lists, objects and null that name no input', () => {
    for (const value of [[1], {}, null]) {
      assert.throws(() => decode({ nested: value }), { code: 'INVALID_ARG', message: /'nested'/ });
    }
  });

  test('refuses an input that is given twice', () => {
    assert.throws(() => decode({ text: 'a', parameters: { text: 'b' } }, TEXT), {
      code: 'INVALID_ARG',
      message: /twice/,
    });
  });

  test('refuses values of another type as Triton does', () => {
    assert.throws(() => decode({ text: 5 }, TEXT), { code: 'INTERNAL', message: /non-string as string/ });
    assert.throws(() => decode({ text: null }, TEXT), { code: 'INTERNAL' });
    assert.throws(() => decode('[]'), { code: 'INTERNAL', message: 'attempt to get members for non-object' });
    assert.throws(() => decode(''), { code: 'INTERNAL', message: /The document is empty. at 0/ });
  });

  test('keeps 64-bit integers exact and tells doubles from integers', () => {
    const INT64: GenerateInput = { name: 'X', datatype: 'INT64', shape: [1] };
    const { inputs, parameters } = decode('{"X":9007199254740993,"big":9007199254740993}', INT64);
    assert.equal(
      new DataView((inputs[0]?.data ?? new Uint8Array()).buffer).getBigInt64(0, true),
      9007199254740993n,
    );
    assert.deepEqual(parameters, { big: 9007199254740993n });
    assert.throws(() => decode('{"X":1.0}', INT64), { code: 'INTERNAL', message: /non-signed-integer/ });
  });
});

describe('encodeGenerateResponse', () => {
  const text: Tensor = { name: 'text', datatype: 'BYTES', shape: [1, 1], data: encodeBytesTensor(['a "b"']) };
  const list: Tensor = { name: 'ids', datatype: 'UINT8', shape: [2], data: Uint8Array.of(1, 2) };
  const empty: Tensor = { name: 'none', datatype: 'UINT8', shape: [0], data: new Uint8Array() };

  test('puts everything side by side, one element as itself', () => {
    assert.equal(
      encode({ id: 'r', parameters: { score: 0.5 } }, text, list, empty),
      '{"id":"r","model_name":"m","model_version":"2","score":0.5,"text":"a \\"b\\"","ids":[1,2],"none":[]}',
    );
  });

  test('leaves out an id and parameters that are not there', () => {
    assert.equal(encode({ parameters: {} }), '{"model_name":"m","model_version":"2"}');
  });
});
