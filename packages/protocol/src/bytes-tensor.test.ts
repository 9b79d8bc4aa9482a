import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  countBytesElements,
  decodeBytesTensor,
  decodeStringTensor,
  encodeBytesTensor,
} from './bytes-tensor.ts';
import { InferenceServerError } from './inference-server-error.ts';

const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');

test('each element is preceded by its length, little-endian', () => {
  assert.equal(
    Buffer.from(encodeBytesTensor(['a', '', hex('ff00')])).toString('hex'),
    '010000006100000000' + '02000000ff00',
  );
});

test('strings are stored as UTF-8', () => {
  assert.deepEqual(decodeStringTensor(encodeBytesTensor(['grüß', '😀'])), ['grüß', '😀']);
  assert.equal(encodeBytesTensor(['grüß']).length, 4 + 6);
});

test('decoded elements are views on the tensor', () => {
  const data = encodeBytesTensor(['ab', 'c']);
  const [first] = decodeBytesTensor(data);
  assert.equal(first?.buffer, data.buffer);
});

test('any elements come back', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (elements) => {
      const data = encodeBytesTensor(elements);
      assert.deepEqual(
        decodeBytesTensor(data).map((e) => Uint8Array.from(e)),
        elements,
      );
      assert.deepEqual(countBytesElements(data), { count: elements.length, fault: undefined });
    }),
  );
});

test('an empty tensor has no elements', () => {
  assert.deepEqual(countBytesElements(new Uint8Array(0)), { count: 0, fault: undefined });
});

test('counting tells a cut length from a cut string', () => {
  assert.deepEqual(countBytesElements(hex('0100')), {
    count: 0,
    fault: { kind: 'length', expected: 4, available: 2 },
  });
  assert.deepEqual(countBytesElements(hex('0a00000061')), {
    count: 0,
    fault: { kind: 'string', expected: 10, available: 1 },
  });
  assert.equal(countBytesElements(hex('0100000061' + '01')).count, 1);
});

test('a length with the highest bit set is not negative', () => {
  assert.equal(countBytesElements(hex('ffffffff00')).fault?.expected, 0xffff_ffff);
});

test('decoding refuses data that ends inside an element', () => {
  for (const decode of [decodeBytesTensor, decodeStringTensor]) {
    assert.throws(
      () => decode(hex('0a00000061')),
      (error) =>
        InferenceServerError.is(error) &&
        error.code === 'INVALID_ARG' &&
        error.message.includes('expecting 10 bytes'),
    );
  }
});
