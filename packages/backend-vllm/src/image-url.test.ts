import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDataUrl } from './image-url.ts';

const BEGINNINGS: readonly (readonly [type: string, bytes: readonly number[]])[] = [
  ['png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['jpeg', [0xff, 0xd8, 0xff, 0xe0]],
  ['gif', [...Buffer.from('GIF89a')]],
  ['webp', [...Buffer.from('RIFF1234WEBP')]],
  ['bmp', [...Buffer.from('BM1234')]],
  ['tiff', [0x49, 0x49, 0x2a, 0x00, 0x08]],
];

for (const [type, bytes] of BEGINNINGS) {
  test(`knows ${type} by its first bytes`, () => {
    const base64 = Buffer.from(bytes).toString('base64');
    assert.equal(toDataUrl(base64), `data:image/${type};base64,${base64}`);
  });
}

test('refuses what is no image', () => {
  assert.throws(() => toDataUrl('aGVsbG8='), { code: 'INVALID_ARG', message: /found 'aGVsbG8='$/ });
});
