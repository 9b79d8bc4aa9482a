import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { InferenceServerError } from '@nereid/protocol';
import { compress, decompress, requestCompression, responseCompression } from './compression.ts';

const decompressed = (body: Buffer, maxByteSize = 1000): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    decompress(body, maxByteSize, (error, whole) => {
      if (error === undefined) resolve(whole);
      else reject(error);
    });
  });

test('the encoding with the highest weight is chosen, the first of equals', () => {
  const table: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['deflate', 'deflate'],
    ['gzip, deflate', 'gzip'],
    ['deflate, gzip', 'deflate'],
    ['gzip;q=0.2, deflate;q=0.8', 'deflate'],
    ['gzip; q=0.5 , identity', undefined],
    ['identity;q=0.1, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip;q=x', undefined],
    ['*', undefined],
    ['br', undefined],
    ['GZIP', undefined],
  ];
  for (const [header, expected] of table) assert.equal(responseCompression(header), expected, String(header));
});

test('a request is taken plain, as gzip or as deflate, and nothing else', () => {
  for (const header of [undefined, '', 'identity']) assert.equal(requestCompression(header), undefined);
  assert.equal(requestCompression('gzip'), 'gzip');
  assert.equal(requestCompression('deflate'), 'deflate');
  for (const header of ['br', 'GZIP', 'gzip, deflate']) {
    assert.throws(() => requestCompression(header), {
      code: 'UNSUPPORTED',
      message: 'Unsupported compression type',
    });
  }
});

test('gzip and zlib data are told apart by themselves', async () => {
  const body = Buffer.from('some text');
  assert.deepEqual(await decompressed(gzipSync(body)), body);
  assert.deepEqual(await decompressed(deflateSync(body)), body);
});

test('what is no compressed data, cut short or empty is INVALID_ARG', async () => {
  const expected = (error: unknown): boolean =>
    InferenceServerError.is(error) && error.code === 'INVALID_ARG';
  await assert.rejects(decompressed(Buffer.from('{}')), expected);
  await assert.rejects(decompressed(gzipSync('abcdefgh').subarray(0, 12)), expected);
  await assert.rejects(decompressed(Buffer.alloc(0)), { message: 'nothing to be decompressed' });
});

test('decompressing stops at the limit', async () => {
  const bomb = gzipSync(Buffer.alloc(1001));
  await assert.rejects(decompressed(bomb), /maximum allowed input size of 1000 bytes.*--http-max-input-size/);
  assert.equal((await decompressed(gzipSync(Buffer.alloc(1000)))).length, 1000);
});

test('what is compressed can be decompressed', async () => {
  const body = Buffer.from('abc'.repeat(100));
  for (const encoding of ['gzip', 'deflate'] as const) {
    const compressed = await new Promise<Buffer>((resolve) => {
      compress(encoding, body, (_error, result) => {
        resolve(result);
      });
    });
    assert.ok(compressed.length < body.length);
    assert.deepEqual(await decompressed(compressed), body);
  }
});
