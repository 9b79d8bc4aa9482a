import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamTail } from './stream-tail.ts';

const TEXT = Array.from({ length: 800 }, (_, index) => `${index} `).join('');

for (const size of [1, 7, 300, 1023, 1024, 1025, 5000]) {
  test(`knows the end of a stream in pieces of ${size} bytes, whenever it is asked`, () => {
    const tail = new StreamTail();
    assert.equal(tail.text(), '');
    for (let start = 0; start < TEXT.length; start += size) {
      tail.push(Buffer.from(TEXT.slice(start, start + size)));
      assert.equal(tail.text(), TEXT.slice(0, start + size).slice(-1024));
    }
  });
}
