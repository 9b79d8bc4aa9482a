import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fp32 } from '../../test/build-request.ts';
import { decodeResponse, encodeResponse } from './encode-response.ts';
import type { CachedResponse } from './response-cache.ts';

const RESPONSE: CachedResponse = {
  outputs: [
    fp32('Y', [2, 1], [1.5, -2]),
    { name: 'ä', datatype: 'BYTES', shape: [1], data: new Uint8Array([1, 0, 0, 0, 65]) },
    { name: 'empty', datatype: 'INT8', shape: [0], data: new Uint8Array() },
  ],
  parameters: { text: 'x', flag: false, number: 1.5, big: 2n ** 60n },
  isComplete: false,
};

test('what was encoded is decoded as it was', () => {
  const decoded = decodeResponse(encodeResponse(RESPONSE));
  const plain = decoded?.outputs.map((output) => ({ ...output, data: Uint8Array.from(output.data) }));
  assert.deepEqual({ ...decoded, outputs: plain }, RESPONSE);
});

test('a response without parameters has none after', () => {
  assert.equal(decodeResponse(encodeResponse({ ...RESPONSE, parameters: undefined }))?.parameters, undefined);
});

test('bytes that are cut off anywhere, or too many, are no response', () => {
  const bytes = encodeResponse(RESPONSE);
  for (let length = 0; length < bytes.length; length += 1)
    assert.equal(decodeResponse(bytes.subarray(0, length)), undefined, `the first ${length} bytes`);
  assert.equal(decodeResponse(Buffer.concat([bytes, Buffer.alloc(1)])), undefined);
});

test('bytes of something else are no response', () => {
  for (const text of ['', 'hello world', '\0\0\0\0', '\x02\0\0\0{}', '\x04\0\0\0null'])
    assert.equal(decodeResponse(Buffer.from(text)), undefined, JSON.stringify(text));
});
