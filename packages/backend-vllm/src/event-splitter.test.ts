import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventSplitter } from './event-splitter.ts';

const STREAM = Buffer.from(
  ': ping\r\n\r\ndata: {"text":"zwölf 日本"}\r\n\r\nevent: x\ndata:a\ndata: b\n\ndata: [DONE]\n\n',
);
const PAYLOADS = ['{"text":"zwölf 日本"}', 'a\nb', '[DONE]'];

test('gives the same payloads wherever the stream is cut', () => {
  for (let cut = 0; cut <= STREAM.length; cut += 1) {
    const splitter = new EventSplitter();
    const found = [...splitter.push(STREAM.subarray(0, cut)), ...splitter.push(STREAM.subarray(cut))];
    assert.deepEqual(found, PAYLOADS, `cut at ${cut}`);
  }
});

test('gives an event only when its end has come', () => {
  const splitter = new EventSplitter();
  assert.deepEqual(splitter.push(Buffer.from('data: {"a"')), []);
  assert.equal(splitter.isInsideEvent, true);
  assert.deepEqual(splitter.push(Buffer.from(':1}\n\n')), ['{"a":1}']);
  assert.equal(splitter.isInsideEvent, false);
});

test('keeps nothing of the memory it was given', () => {
  const splitter = new EventSplitter();
  const chunk = Buffer.from('data: 1');
  splitter.push(chunk);
  chunk.fill(0x78);
  assert.deepEqual(splitter.push(Buffer.from('2\n\n')), ['12']);
});

test('refuses an event without end', () => {
  const splitter = new EventSplitter();
  assert.throws(() => splitter.push(Buffer.alloc(64 * 1024 * 1024 + 1, 0x61)), {
    code: 'INTERNAL',
    message: /event of more than 67108864 bytes/,
  });
});
