/** What the transport makes of HTTP/2 streams that clients' libraries never send, or only sometimes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type OutgoingHttpHeaders } from 'node:http2';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import type { StreamCall, UnaryCall } from '../call.ts';
import type { Rpc } from '../rpc.ts';
import {
  answerOf,
  call,
  connectTo,
  echo,
  echoAll,
  frame,
  hello,
  open,
  OPTIONS,
  start,
} from '../testing/http2-client.ts';

test('answers a call with headers, one message and a status in the trailers', async (t) => {
  const { session } = await start(t, [echo]);
  const answer = await call(session, frame(hello));
  assert.equal(answer.httpStatus, 200);
  assert.equal(answer.headers['content-type'], 'application/grpc');
  assert.equal(answer.headers['grpc-accept-encoding'], 'identity,deflate,gzip');
  assert.deepEqual(answer.body, frame(hello));
  assert.equal(answer.status, '0');
});

test('refuses what is no gRPC, and methods that it does not have', async (t) => {
  const { session } = await start(t, [echo]);
  const json = await call(session, frame(hello), { 'content-type': 'application/json' });
  assert.equal(json.httpStatus, 415);
  const unknown = await call(session, frame(hello), {}, '/s/Other');
  assert.equal(unknown.httpStatus, 200);
  assert.equal(unknown.status, '12');
  assert.equal(unknown.message, 'The server does not implement the method /s/Other');
});

test('messages may come in pieces of any size, and several in one', async (t) => {
  const { session } = await start(t, [echoAll]);
  const messages = [Buffer.alloc(0), hello, Buffer.alloc(900, 7), Buffer.alloc(0)];
  const bytes = Buffer.concat(messages.map((message) => frame(message)));
  for (const size of [1, 3, 4, 5, 6, 7, 100, bytes.length]) {
    const stream = open(session, '/s/EchoAll');
    const answer = answerOf(stream);
    for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
    stream.end();
    const { body, status } = await answer;
    assert.deepEqual(body, bytes, `in pieces of ${String(size)}`);
    assert.equal(status, '0');
  }
});

test('unpacks messages as grpc-encoding says, in order with those that are not packed', async (t) => {
  const { session } = await start(t, [echoAll]);
  for (const [encoding, pack] of [['gzip', gzipSync] as const, ['deflate', deflateSync] as const]) {
    const parts = [
      frame(pack(Buffer.from('one')), 1),
      frame(Buffer.from('two')),
      frame(pack(Buffer.from('three')), 1),
    ];
    const { body, status } = await call(
      session,
      Buffer.concat(parts),
      { 'grpc-encoding': encoding },
      '/s/EchoAll',
    );
    assert.deepEqual(body, Buffer.concat(['one', 'two', 'three'].map((text) => frame(Buffer.from(text)))));
    assert.equal(status, '0');
  }
});

test('packs responses for clients that take it', async (t) => {
  const { session } = await start(t, [echoAll], { compressionLevel: 6 });
  const accept = { 'grpc-accept-encoding': 'identity, gzip' };
  const messages = Buffer.concat([frame(hello), frame(Buffer.alloc(900, 7))]);
  const packed = await call(session, messages, accept, '/s/EchoAll');
  assert.equal(packed.headers['grpc-encoding'], 'gzip');
  assert.equal(packed.status, '0');
  const byteSize = packed.body.readUInt32BE(1);
  assert.equal(packed.body[0], 1);
  assert.deepEqual(gunzipSync(packed.body.subarray(5, 5 + byteSize)), hello);
  assert.deepEqual(gunzipSync(packed.body.subarray(10 + byteSize)), Buffer.alloc(900, 7));
  const plain = await call(session, frame(hello), {}, '/s/EchoAll');
  assert.equal(plain.headers['grpc-encoding'], undefined);
  assert.deepEqual(plain.body, frame(hello));
});

test('responses that wait to be packed hold their writer back', async (t) => {
  const ended = Promise.withResolvers<readonly boolean[]>();
  const many: Rpc = {
    ...echoAll,
    kind: 'bidi',
    handler: (stream) => {
      const accepted = [stream.write(hello), stream.write(hello), stream.write(hello)];
      stream.onDrain(() => {
        stream.end();
        ended.resolve(accepted);
      });
    },
  };
  const { session } = await start(t, [many], { compressionLevel: 6 });
  const accept = { 'grpc-accept-encoding': 'gzip' };
  const { body, status } = await call(session, frame(hello), accept, '/s/EchoAll');
  assert.deepEqual(await ended.promise, [true, false, false]);
  assert.equal(status, '0');
  const packed = body.subarray(5, 5 + body.readUInt32BE(1));
  assert.deepEqual(gunzipSync(packed), hello);
  assert.equal(body.length, 3 * (5 + packed.length));
});

test('refuses messages that are too large, packed or not, and such as can not be read', async (t) => {
  const { session } = await start(t, [echo]);
  const gzip = { 'grpc-encoding': 'gzip' };
  const cases: readonly (readonly [Buffer, OutgoingHttpHeaders, string, RegExp])[] = [
    [frame(Buffer.alloc(1001)), {}, '8', /larger than max: 1001 bytes, at most 1000/],
    [
      frame(gzipSync(Buffer.alloc(100_000)), 1),
      gzip,
      '8',
      /larger than max: at most 1000 bytes are taken, unpacked/,
    ],
    [frame(hello, 1), gzip, '13', /cannot unpack a message: /],
    [frame(hello, 1), {}, '13', /without saying how in 'grpc-encoding'/],
    [frame(hello, 2), {}, '13', /flag 2, expected 0 or 1/],
    [frame(hello), { 'grpc-encoding': 'snappy' }, '12', /grpc-encoding 'snappy' is not supported/],
    [frame(hello).subarray(0, 7), {}, '13', /ended the call within a message/],
    [frame(hello).subarray(0, 3), {}, '13', /ended the call within a message/],
    [Buffer.alloc(0), {}, '13', /ended without a request message/],
    [frame(hello), { 'grpc-timeout': '5 seconds' }, '13', /cannot read grpc-timeout '5 seconds'/],
  ];
  for (const [body, headers, status, message] of cases) {
    const answer = await call(session, body, headers);
    assert.equal(answer.status, status, String(message));
    assert.match(answer.message ?? '', message);
  }
});

test('a second request message of a unary call is refused, unless the first is answered', async (t) => {
  const started = Promise.withResolvers<UnaryCall>();
  const slow: Rpc = { ...echo, kind: 'unary', handler: started.resolve };
  const { session } = await start(t, [slow]);
  const stream = open(session, '/s/Echo');
  const answer = answerOf(stream);
  stream.write(frame(hello));
  await started.promise;
  stream.end(frame(hello));
  assert.equal((await answer).status, '12');
});

test('a deadline ends the call and tells its handler once', async (t) => {
  let closed = 0;
  const forgetful: Rpc = {
    ...echo,
    kind: 'unary',
    handler: (unary) => {
      unary.onClose(() => (closed += 1));
    },
  };
  const { session } = await start(t, [forgetful]);
  const answer = await call(session, frame(hello), { 'grpc-timeout': '20m' });
  assert.equal(answer.status, '4');
  assert.equal(answer.message, 'Deadline Exceeded');
  assert.equal(closed, 1);
});

test('a client that cancels closes the call; what is answered later goes nowhere', async (t) => {
  const started = Promise.withResolvers<StreamCall>();
  const waiting: Rpc = { ...echoAll, kind: 'bidi', handler: started.resolve };
  const { session } = await start(t, [waiting]);
  const stream = open(session, '/s/EchoAll');
  stream.write(frame(hello));
  const streamCall = await started.promise;
  const closed = new Promise<void>((resolve) => {
    streamCall.onClose(resolve);
  });
  stream.close(constants.NGHTTP2_CANCEL);
  await closed;
  assert.equal(streamCall.write(hello), true);
  streamCall.end();
  streamCall.fail({ code: 13, details: 'too late' });
});

test('a failed status is percent-encoded UTF-8', async (t) => {
  const failing: Rpc = {
    ...echo,
    kind: 'unary',
    handler: (unary) => {
      unary.fail({ code: 5, details: "100 % of 'Größe'\n" });
    },
  };
  const { session } = await start(t, [failing]);
  const { status, message } = await call(session, frame(hello));
  assert.equal(status, '5');
  assert.equal(message, "100 %25 of 'Gr%C3%B6%C3%9Fe'%0A");
});

test('a client that goes on sending after its status is told to stop', async (t) => {
  const { session } = await start(t, [echo]);
  const stream = open(session, '/s/Other');
  const answer = answerOf(stream);
  const chunk = Buffer.alloc(64 * 1024);
  const send = (): void => {
    if (!stream.destroyed && !stream.writableEnded) stream.write(chunk, send);
  };
  send();
  assert.equal((await answer).status, '12');
  assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
});

test('a client that pings too often loses its connection, one that is sent something in between does not', async (t) => {
  const { session } = await start(t, [echo], {
    keepalive: { ...OPTIONS.keepalive, maxPingStrikes: 2 },
  });
  const ping = (): Promise<void> =>
    new Promise((resolve, reject) => {
      session.ping((error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  for (let count = 0; count < 10; count += 1) {
    await ping();
    assert.equal((await call(session, frame(hello))).status, '0');
  }
  const goaway = once(session, 'goaway');
  const pings = Promise.allSettled([ping(), ping(), ping(), ping()]);
  const [code, , data] = (await goaway) as [number, number, Buffer];
  assert.equal(code, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(data.toString(), 'too_many_pings');
  await pings;
});

test('a client may ping as often as it likes while it is sent a large response, as grpc-go does to learn how fast it comes', async (t) => {
  const response = Buffer.alloc(2 ** 20);
  const large: Rpc = { ...echo, kind: 'unary', handler: (unary) => unary.answer(response) };
  const { session } = await start(t, [large], { keepalive: { ...OPTIONS.keepalive, maxPingStrikes: 2 } });
  const stream = open(session, '/s/Echo');
  let pings = 0;
  let isPinging = false;
  stream.on('data', () => {
    if (isPinging) return;
    isPinging = true;
    pings += 1;
    session.ping(() => {
      isPinging = false;
    });
  });
  const answer = answerOf(stream);
  stream.end(frame(hello));
  const { body, status } = await answer;
  assert.equal(status, '0');
  assert.equal(body.length, response.length + 5);
  assert.ok(pings > 3, `only ${String(pings)} pings`);
});

test('a connection that is too old takes no new calls, and lets the others end', async (t) => {
  const started = Promise.withResolvers<UnaryCall>();
  const slow: Rpc = { ...echo, kind: 'unary', handler: started.resolve };
  const keepalive = { ...OPTIONS.keepalive, maxConnectionAge: 50 };
  const { session } = await start(t, [slow], { keepalive });
  const answer = call(session, frame(hello));
  const unary = await started.promise;
  await once(session, 'goaway');
  unary.answer(hello);
  assert.equal((await answer).status, '0');
  await once(session, 'close');
});

test('a connection that does not answer pings is given up', async (t) => {
  const started = Promise.withResolvers<UnaryCall>();
  const slow: Rpc = { ...echo, kind: 'unary', handler: started.resolve };
  const { port } = await start(t, [slow], {
    keepalive: { ...OPTIONS.keepalive, time: 20, timeout: 20 },
  });
  // What the server sends is lost on its way from now on.
  let isLost = false;
  const proxy = createServer((near) => {
    const far = createConnection({ host: '127.0.0.1', port });
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      if (!isLost) near.write(bytes);
    });
    for (const socket of [near, far]) socket.on('error', () => undefined);
    far.on('close', () => near.destroy());
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const session = await connectTo((proxy.address() as AddressInfo).port);
  t.after(() => {
    session.destroy();
    proxy.close();
  });
  open(session, '/s/Echo').write(frame(hello));
  const unary = await started.promise;
  isLost = true;
  await new Promise<void>((resolve) => {
    unary.onClose(resolve);
  });
});
