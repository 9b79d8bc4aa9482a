import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Unpack } from './compression.ts';
import { MessageReader } from './message-reader.ts';

/** A reader, and what it says. */
function start(unpack?: Unpack): {
  readonly reader: MessageReader;
  readonly said: string[];
  readonly messages: Buffer[];
} {
  const said: string[] = [];
  const messages: Buffer[] = [];
  const reader = new MessageReader({
    maxByteSize: 2 ** 31 - 1,
    unpack,
    onMessage: (message) => {
      messages.push(message);
      said.push('message');
    },
    onBusy: (isBusy) => said.push(isBusy ? 'busy' : 'free'),
    onEnd: () => said.push('end'),
    onError: ({ details }) => said.push(details),
  });
  return { reader, said, messages };
}

function frame(message: Buffer, flag = 0, byteSize = message.length): Buffer {
  const prefix = Buffer.of(flag, 0, 0, 0, 0);
  prefix.writeUInt32BE(byteSize, 1);
  return Buffer.concat([prefix, message]);
}

test('a large message that is only announced takes no memory', () => {
  const { arrayBuffers, external } = process.memoryUsage();
  const readers = Array.from({ length: 8 }, () => start().reader);
  for (const reader of readers) reader.push(frame(Buffer.alloc(10), 0, 2 ** 31 - 1));
  const now = process.memoryUsage();
  const taken = now.arrayBuffers + now.external - arrayBuffers - external;
  assert.ok(taken < 2 ** 20, `${String(taken)} bytes for messages of which 10 bytes have come`);
});

test('a large message is put together from pieces of any size', () => {
  const message = Buffer.alloc(700_000, 'abcdefg');
  for (const size of [1000, 5000, 300_000, 700_000]) {
    const { reader, messages } = start();
    const bytes = Buffer.concat([frame(message), frame(Buffer.from('next'))]);
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    assert.deepEqual(
      messages.map(({ length }) => length),
      [700_000, 4],
    );
    assert.ok(messages[0]?.equals(message));
  }
});

test('no more is wanted while a message is unpacked, and its neighbours keep their order', () => {
  const done: (() => void)[] = [];
  const { reader, said, messages } = start((packed, _max, callback) => {
    done.push(() => callback(undefined, packed));
  });
  reader.push(
    Buffer.concat([frame(Buffer.from('1'), 1), frame(Buffer.from('2')), frame(Buffer.from('3'), 1)]),
  );
  assert.deepEqual(said, ['busy']);
  done.shift()?.();
  assert.deepEqual(said, ['busy', 'message', 'message', 'busy']);
  done.shift()?.();
  assert.deepEqual(said.slice(4), ['message', 'free']);
  assert.equal(Buffer.concat(messages).toString(), '123');
});

test('a call that ends while its last message is unpacked ends behind it', () => {
  const done: (() => void)[] = [];
  const { reader, said } = start((packed, _max, callback) => {
    done.push(() => callback(undefined, packed));
  });
  reader.push(frame(Buffer.from('1'), 1));
  reader.end();
  done.shift()?.();
  assert.deepEqual(said, ['busy', 'message', 'end']);
});
