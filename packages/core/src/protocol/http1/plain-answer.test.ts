import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { PlainAnswer } from './plain-answer.ts';

interface Written {
  readonly answer: PlainAnswer;
  readonly socket: Writable;
  readonly ended: PlainAnswer[];
  text(): string;
}

/** @param isStuck - The client takes nothing. */
function create({ highWaterMark = 65_536, isStuck = false } = {}): Written {
  let written = '';
  const socket = new Writable({
    highWaterMark,
    write: (piece: Buffer, _encoding, done) => {
      written += piece.toString('latin1');
      if (!isStuck) done();
    },
  });
  const ended: PlainAnswer[] = [];
  const answer = new PlainAnswer(socket as unknown as Socket, { onEnded: (one) => ended.push(one) });
  const text = (): string => written.replace(/Date: .*? GMT/, 'Date: now');
  return { answer, socket, ended, text };
}

test('head and body', () => {
  const { answer, ended, text } = create();
  answer.setHeader('X-A', 1);
  answer.writeHead(404, {
    'Content-Type': 'text/plain',
    'Content-Length': 3,
    Undefined: undefined,
    Many: ['a', 'b'],
  });
  assert.equal(answer.headersSent, true);
  assert.equal(text(), '');
  answer.end('a\xe4'); // two characters, three bytes
  assert.equal(
    text(),
    'HTTP/1.1 404 Not Found\r\nX-A: 1\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nMany: a\r\nMany: b\r\n' +
      'Date: now\r\nConnection: keep-alive\r\n\r\na\xc3\xa4',
  );
  assert.deepEqual(ended, [answer]);
});

test('a body without a length is sent in chunks, whatever its pieces are', () => {
  const { answer, text } = create();
  answer.writeHead(200);
  answer.write('one');
  answer.write('');
  answer.write(Buffer.from('a piece of bytes'));
  answer.write('z\xe4', 'latin1');
  answer.end('\xe4');
  const [head, ...body] = text().split('\r\n\r\n');
  assert.match(head ?? '', /^HTTP\/1\.1 200 OK\r\nTransfer-Encoding: chunked\r\n/);
  assert.equal(
    body.join('\r\n\r\n'),
    '3\r\none\r\n10\r\na piece of bytes\r\n2\r\nz\xe4\r\n2\r\n\xc3\xa4\r\n0\r\n\r\n',
  );
});

test('bytes follow their head, corked or not', () => {
  for (const isCorked of [false, true]) {
    const { answer, text } = create();
    answer.writeHead(200, { 'Content-Length': 4 });
    if (isCorked) answer.cork();
    answer.write(Buffer.from('ab'));
    answer.write(Buffer.from('cd'));
    answer.end();
    assert.match(text(), /\r\n\r\nabcd$/);
  }
});

test('a header that would break the head is refused', () => {
  for (const value of ['a\r\nb', 'a\nb', 'a\0', '\u0100']) {
    assert.throws(() => create().answer.writeHead(200, { 'X-A': value }), TypeError);
  }
});

test('close comes when the system has all of it, once', async () => {
  const { answer } = create();
  let count = 0;
  answer.on('close', () => count++);
  answer.end('all');
  assert.equal(answer.closed, false);
  await once(answer, 'close');
  answer.close();
  assert.deepEqual([count, answer.closed], [1, true]);
});

test('what is written after the end, or to nobody, goes nowhere', () => {
  const { answer, ended, text } = create();
  answer.end('1');
  const all = text();
  answer.end('2');
  answer.write('3');
  assert.equal(text(), all);
  assert.equal(ended.length, 1);
  const other = create();
  other.answer.destroy();
  other.answer.end('x');
  assert.deepEqual([other.answer.destroyed, other.ended.length, other.text()], [true, 0, '']);
});

test('write says when it waits', () => {
  const { answer } = create({ highWaterMark: 16, isStuck: true });
  assert.equal(answer.write('more than sixteen bytes'), false);
  assert.equal(answer.writableNeedDrain, true);
});
