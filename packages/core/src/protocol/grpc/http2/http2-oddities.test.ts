/** Streams that are cut off, empty, too long or half closed: none of them may harm the other calls of its connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { createConnection } from 'node:net';
import { test } from 'node:test';
import type { StreamCall } from '../call.ts';
import type { Rpc } from '../rpc.ts';
import {
  answerOf,
  call,
  echo,
  echoAll,
  frame,
  hello,
  open,
  OPTIONS,
  start,
} from '../testing/http2-client.ts';
import { createHttp2Transport } from './http2-transport.ts';

test('frames without data change nothing, within a message and after the last', async (t) => {
  const { session } = await start(t, [echoAll]);
  const stream = open(session, '/s/EchoAll');
  const answer = answerOf(stream);
  const bytes = frame(hello);
  for (const piece of [bytes.subarray(0, 3), bytes.subarray(3, 7), bytes.subarray(7)]) {
    stream.write(Buffer.alloc(0));
    stream.write(piece);
    stream.write(Buffer.alloc(0));
  }
  stream.end(Buffer.alloc(0));
  const { body, status } = await answer;
  assert.deepEqual(body, frame(hello));
  assert.equal(status, '0');
});

test('a stream that is reset within a message closes its call, which gets no part of it', async (t) => {
  const started = Promise.withResolvers<StreamCall>();
  const messages: Buffer[] = [];
  const reading: Rpc = {
    ...echoAll,
    kind: 'bidi',
    handler: (streamCall) => {
      streamCall.read({
        onMessage: (message) => {
          messages.push(message);
          started.resolve(streamCall);
        },
        onHalfClose: () => messages.push(Buffer.from('half-closed')),
      });
    },
  };
  const { session } = await start(t, [reading, echo]);
  const stream = open(session, '/s/EchoAll');
  stream.write(Buffer.concat([frame(hello), frame(Buffer.alloc(500)).subarray(0, 100)]));
  const streamCall = await started.promise;
  const closed = new Promise<void>((resolve) => {
    streamCall.onClose(resolve);
  });
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  await closed;
  assert.deepEqual(messages, [hello]);
  assert.equal((await call(session, frame(hello))).status, '0');
});

test('a deadline of no time at all ends the call', async (t) => {
  const forgetful: Rpc = { ...echo, kind: 'unary', handler: () => undefined };
  const { session } = await start(t, [forgetful]);
  for (const timeout of ['0n', '0S', '1n'])
    assert.equal((await call(session, frame(hello), { 'grpc-timeout': timeout })).status, '4');
});

test('metadata of too many entries costs the call, not the connection', async (t) => {
  const { session } = await start(t, [echo]);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-${String(index)}`, 'x']));
  const stream = open(session, '/s/Echo', many);
  stream.end(frame(hello));
  await assert.rejects(answerOf(stream));
  // Clients make RESOURCE_EXHAUSTED of it.
  assert.equal(stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal((await call(session, frame(hello), { 'x-long': 'x'.repeat(30_000) })).status, '0');
});

test('metadata of more than 64 KiB costs the connection, not the others', async (t) => {
  const { port, session: other } = await start(t, [echo]);
  const session = connect(`http://127.0.0.1:${String(port)}`, { maxSendHeaderBlockLength: 1_000_000 });
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  const stream = open(session, '/s/Echo', { 'x-long': 'x'.repeat(100_000) });
  stream.end(frame(hello));
  await assert.rejects(answerOf(stream));
  assert.equal((await call(other, frame(hello))).status, '0');
});

test('a client may close its side and go on reading', async (t) => {
  const halfClosed = Promise.withResolvers<StreamCall>();
  const later: Rpc = {
    ...echoAll,
    kind: 'bidi',
    handler: (streamCall) => {
      streamCall.read({ onMessage: () => undefined, onHalfClose: () => halfClosed.resolve(streamCall) });
    },
  };
  const { session } = await start(t, [later, echo]);
  const stream = open(session, '/s/EchoAll');
  const answer = answerOf(stream);
  stream.end(frame(hello));
  const streamCall = await halfClosed.promise;
  assert.equal((await call(session, frame(hello))).status, '0');
  streamCall.write(hello);
  streamCall.end();
  const { body, status } = await answer;
  assert.deepEqual(body, frame(hello));
  assert.equal(status, '0');
});

test('a client that never closes its side does not hold up the end', { timeout: 20_000 }, async (t) => {
  const transport = await createHttp2Transport(() => Promise.resolve([echo]), OPTIONS);
  const socket = createConnection({ host: '127.0.0.1', port: await transport.listen(), allowHalfOpen: true });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  // The preface and a frame of settings without any.
  socket.write(
    Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
    ]),
  );
  await once(socket, 'data');
  await transport.close(3_600_000);
});
