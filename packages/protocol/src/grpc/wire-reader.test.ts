import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceServerError } from '../inference-server-error.ts';
import { WireReader } from './wire-reader.ts';
import { stringByteSize, varintByteSize, WireWriter } from './wire-writer.ts';

const malformed = (error: unknown) =>
  InferenceServerError.is(error) && error.code === 'INTERNAL' && error.message === 'Unable to parse request';

function hex(text: string): WireReader {
  return new WireReader(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

function written(value: number | bigint): Buffer {
  const writer = new WireWriter(varintByteSize(value));
  writer.varint(value);
  return writer.buffer;
}

test('reads varints of every length', () => {
  assert.equal(hex('00').int64(), 0);
  assert.equal(hex('7f').int64(), 127);
  assert.equal(hex('ac02').int64(), 300);
  assert.equal(hex('ffffffff0f').int64(), 2 ** 32 - 1);
  assert.equal(hex('8080808010').int64(), 2 ** 32);
  assert.equal(hex('ffffffffffffff0f').int64(), Number.MAX_SAFE_INTEGER);
  assert.equal(hex('ffffffffffffffffff01').int64(), -1);
  assert.equal(hex('80808080808080808001').int64(), -(2n ** 63n));
  assert.equal(hex('ffffffffffffffffff01').uint64(), 2n ** 64n - 1n);
});

test('writes every int64 so that it reads back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(BigInt(new WireReader(written(value)).int64()), value);
    }),
  );
});

test('writes every safe integer in the same bytes as number and as bigint', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      assert.deepEqual(written(value), written(BigInt(value)));
      assert.equal(new WireReader(written(value)).int64(), value);
    }),
  );
});

test('refuses a varint of more than ten bytes and one that does not end', () => {
  assert.throws(() => hex('ffffffffffffffffffff01').varint(), malformed);
  assert.throws(() => hex('ffff').varint(), malformed);
});

test('refuses a length beyond the end', () => {
  assert.throws(() => hex('05 6162').string(), malformed);
  assert.throws(() => hex('ffffffffffffffffff01').view(), malformed);
});

test('writes every text so that it reads back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      const writer = new WireWriter(stringByteSize(text));
      writer.string(0x0a, text);
      const reader = new WireReader(writer.buffer);
      assert.equal(reader.tag(), 0x0a);
      assert.equal(reader.string(), text);
      assert.equal(reader.position, writer.buffer.length);
    }),
  );
});

test('refuses text that is not UTF-8', () => {
  assert.throws(() => hex('02 c328').string(), malformed);
});

test('gives views without copying', () => {
  const bytes = Buffer.from('03010203', 'hex');
  const view = new WireReader(bytes).view();
  assert.deepEqual([...view], [1, 2, 3]);
  assert.equal(view.buffer, bytes.buffer);
});

test('passes over unknown fields of every wire type but groups', () => {
  for (const field of ['08 9601', '09 0102030405060708', '0a 020102', '0d 01020304']) {
    const reader = hex(field);
    reader.skip(reader.tag());
    assert.equal(reader.position, reader.bytes.length);
  }
  for (const field of ['0b', '0c', '0e', '0f', '09 010203', '0d 01']) {
    const reader = hex(field);
    assert.throws(() => reader.skip(reader.tag()), malformed);
  }
});

test('refuses field number 0', () => {
  assert.throws(() => hex('00').tag(), malformed);
});
