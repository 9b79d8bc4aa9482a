import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { FLAG, FRAME, HTTP2_ERROR, SETTING } from './frames.ts';
import { Http2Connection, type ConnectionOptions } from './http2-connection.ts';
import type { Http2Stream } from './http2-stream.ts';
import { RawClient, REQUEST_BLOCK } from './testing/raw-client.ts';

const OPTIONS: ConnectionOptions = {
  windowByteSize: 100_000,
  maxStreams: 50,
  resetBurst: 100,
  resetsPerSecond: 10,
};
/** Should it fail, it would wait for ever. */
const LIMIT = { timeout: 30_000 };
const HEADERS = [[':status', '200']] as const;
const NO_TRAILERS = [['x-end', 'yes']] as const;

/** A stream as the server has it, and what came on it. */
class Served {
  readonly stream: Http2Stream;
  byteSize = 0;
  isEnded = false;
  isClosed = false;
  drains = 0;

  constructor(stream: Http2Stream) {
    this.stream = stream;
    stream.listen({
      dataReceived: (piece) => (this.byteSize += piece.length),
      requestEnded: () => (this.isEnded = true),
      streamClosed: () => (this.isClosed = true),
      streamDrained: () => (this.drains += 1),
    });
  }
}

/** A server whose streams are left to the test. */
async function serve(t: TestContext, options: Partial<ConnectionOptions> = {}, settings?: Buffer) {
  const streams = new Map<number, Served>();
  const connections: Http2Connection[] = [];
  const lost = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    const connection = new Http2Connection(
      socket,
      { ...OPTIONS, ...options },
      {
        onStream: (stream) => streams.set(stream.id, new Served(stream)),
        onPing: () => undefined,
        onClose: lost.resolve,
      },
    );
    connections.push(connection);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = await RawClient.connect((server.address() as AddressInfo).port, settings);
  await client.settle();
  t.after(() => {
    client.destroy();
    server.close();
  });
  const [connection] = connections;
  assert.ok(connection !== undefined);
  const served = (id: number): Served => {
    const stream = streams.get(id);
    assert.ok(stream !== undefined, `stream ${id} was not opened`);
    return stream;
  };
  return { client, connection, served, streams, lost: lost.promise };
}

function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

test('a client that breaks a rule of the connection is told which kind, and loses it', async (t) => {
  const {
    HEADERS: HEAD,
    DATA,
    WINDOW_UPDATE,
    SETTINGS,
    CONTINUATION,
    PING,
    RST_STREAM,
    PUSH_PROMISE,
  } = FRAME;
  const cases: Record<string, [code: number, send: (client: RawClient) => void]> = {
    'a stream of the server': [HTTP2_ERROR.PROTOCOL_ERROR, (c) => c.open(2)],
    'data of no stream': [HTTP2_ERROR.PROTOCOL_ERROR, (c) => c.send(DATA, 0, 1, Buffer.alloc(1))],
    'data of the connection': [HTTP2_ERROR.PROTOCOL_ERROR, (c) => c.send(DATA, 0, 0, Buffer.alloc(1))],
    'a window of no stream': [HTTP2_ERROR.PROTOCOL_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 7, uint32(1))],
    'a window that grows by nothing': [
      HTTP2_ERROR.PROTOCOL_ERROR,
      (c) => c.send(WINDOW_UPDATE, 0, 0, uint32(0)),
    ],
    'a window too large': [
      HTTP2_ERROR.FLOW_CONTROL_ERROR,
      (c) => c.send(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1)),
    ],
    'a window cut off': [HTTP2_ERROR.FRAME_SIZE_ERROR, (c) => c.send(WINDOW_UPDATE, 0, 0, Buffer.alloc(3))],
    'settings cut off': [HTTP2_ERROR.FRAME_SIZE_ERROR, (c) => c.send(SETTINGS, 0, 0, Buffer.alloc(5))],
    'settings of a stream': [HTTP2_ERROR.PROTOCOL_ERROR, (c) => c.send(SETTINGS, 0, 1)],
    'a setting out of range': [
      HTTP2_ERROR.PROTOCOL_ERROR,
      (c) => c.send(SETTINGS, 0, 0, setting(SETTING.MAX_FRAME_SIZE, 100)),
    ],
    'a first window out of range': [
      HTTP2_ERROR.FLOW_CONTROL_ERROR,
      (c) => c.send(SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 2 ** 31)),
    ],
    'headers that go on without a beginning': [
      HTTP2_ERROR.PROTOCOL_ERROR,
      (c) => c.send(CONTINUATION, 4, 1, REQUEST_BLOCK),
    ],
    'a ping within headers': [
      HTTP2_ERROR.PROTOCOL_ERROR,
      (c) => {
        c.send(HEAD, 0, 1, REQUEST_BLOCK);
        c.send(PING, 0, 0, Buffer.alloc(8));
      },
    ],
    'data within headers': [
      HTTP2_ERROR.PROTOCOL_ERROR,
      (c) => {
        c.open(1);
        c.send(HEAD, 0, 3, REQUEST_BLOCK);
        c.send(DATA, 0, 1, Buffer.alloc(1));
      },
    ],
    'headers without an end': [
      HTTP2_ERROR.ENHANCE_YOUR_CALM,
      (c) => {
        c.send(HEAD, 0, 1, REQUEST_BLOCK);
        for (let count = 0; count < 100; count += 1) c.send(CONTINUATION, 0, 1);
      },
    ],
    'headers that cannot be read': [
      HTTP2_ERROR.COMPRESSION_ERROR,
      (c) => c.send(HEAD, 4, 1, Buffer.from([0x80])),
    ],
    'headers with more padding than bytes': [
      HTTP2_ERROR.PROTOCOL_ERROR,
      (c) => c.send(HEAD, FLAG.END_HEADERS | FLAG.PADDED, 1, Buffer.from([9, 0x83])),
    ],
    'a ping cut off': [HTTP2_ERROR.FRAME_SIZE_ERROR, (c) => c.send(PING, 0, 0, Buffer.alloc(7))],
    'a reset of no stream': [HTTP2_ERROR.PROTOCOL_ERROR, (c) => c.send(RST_STREAM, 0, 1, uint32(8))],
    'a promise': [HTTP2_ERROR.PROTOCOL_ERROR, (c) => c.send(PUSH_PROMISE, 4, 1, Buffer.alloc(4))],
    'resets without end': [
      HTTP2_ERROR.ENHANCE_YOUR_CALM,
      (c) => {
        for (let id = 1; id < 400; id += 2) {
          c.open(id);
          c.send(RST_STREAM, 0, id, uint32(HTTP2_ERROR.CANCEL));
        }
      },
    ],
  };
  for (const [name, [code, send]] of Object.entries(cases)) {
    const { client, connection } = await serve(t);
    send(client);
    const { payload } = await client.next(({ type }) => type === FRAME.GOAWAY);
    assert.equal(payload.readUInt32BE(4), code, name);
    assert.ok(payload.length > 8, `${name}: no reason is given`);
    await client.closed();
    assert.ok(connection.isClosed);
  }
});

test('a client that breaks a rule of a stream loses the stream alone', async (t) => {
  const { client, served } = await serve(t);
  const resetOf = async (id: number): Promise<number> => {
    const { payload } = await client.next(
      ({ type, streamId }) => type === FRAME.RST_STREAM && streamId === id,
    );
    return payload.readUInt32BE(0);
  };
  client.open(1, FLAG.END_STREAM);
  client.send(FRAME.DATA, 0, 1, Buffer.alloc(1));
  assert.equal(await resetOf(1), HTTP2_ERROR.STREAM_CLOSED);
  // An upper-case name, a pseudo-header that is none, one after the others, no path.
  for (const [id, block] of [
    [3, '83868440014101 61'],
    [5, '838684 40 02 3a 61 01 61'],
    [7, '8384 40 01 61 01 61 86'],
    [9, '8386'],
  ] as const) {
    client.send(FRAME.HEADERS, FLAG.END_HEADERS, id, Buffer.from(block.replaceAll(' ', ''), 'hex'));
    assert.equal(await resetOf(id), HTTP2_ERROR.PROTOCOL_ERROR, String(id));
  }
  client.open(11);
  client.open(11);
  assert.equal(await resetOf(11), HTTP2_ERROR.PROTOCOL_ERROR);
  client.open(13);
  client.send(FRAME.WINDOW_UPDATE, 0, 13, uint32(0));
  assert.equal(await resetOf(13), HTTP2_ERROR.PROTOCOL_ERROR);
  client.open(17);
  await client.settle();
  served(17).stream.pause();
  for (let count = 0; count < 7; count += 1) client.send(FRAME.DATA, 0, 17, Buffer.alloc(16_384));
  assert.equal(await resetOf(17), HTTP2_ERROR.FLOW_CONTROL_ERROR);
  client.open(19);
  client.send(FRAME.DATA, 0, 19, Buffer.alloc(10));
  await client.settle();
  assert.equal(served(19).byteSize, 10);
  assert.equal(served(13).isClosed, true);
});

test('data waits for the windows of the stream and of the connection, and for their growth', async (t) => {
  const { client, served } = await serve(t, {}, setting(SETTING.INITIAL_WINDOW_SIZE, 10));
  client.open(1, FLAG.END_STREAM);
  await client.settle();
  const { stream } = served(1);
  stream.respond(HEADERS, { endsStream: false, isRepeated: false });
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
  assert.equal(stream.write(body), false);
  stream.end(NO_TRAILERS, false);
  assert.deepEqual(await client.data(1, 10), body.subarray(0, 10));
  await client.settle();
  assert.ok(!client.received.some(({ type }) => type === FRAME.DATA), 'more came than the window has');
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 30));
  assert.deepEqual(await client.data(1, 20), body.subarray(10, 30));
  client.send(FRAME.WINDOW_UPDATE, 0, 1, uint32(1_000_000));
  // What the connection has left.
  assert.deepEqual(await client.data(1, 65_535 - 30), body.subarray(30, 65_535));
  assert.equal(served(1).isClosed, false);
  client.send(FRAME.WINDOW_UPDATE, 0, 0, uint32(1_000_000));
  assert.deepEqual(await client.data(1, 100_000 - 65_535), body.subarray(65_535));
  const { flags } = await client.next(
    ({ type, flags: f }) => type === FRAME.HEADERS && (f & FLAG.END_STREAM) !== 0,
  );
  assert.equal(flags, FLAG.END_STREAM | FLAG.END_HEADERS);
  assert.equal(served(1).isClosed, true);
});

test('a window may become less than nothing, and data goes on once it is more again', async (t) => {
  const { client, served } = await serve(t, {}, setting(SETTING.INITIAL_WINDOW_SIZE, 50));
  client.open(1);
  await client.settle();
  const { stream } = served(1);
  stream.respond(HEADERS, { endsStream: false, isRepeated: false });
  assert.equal(stream.write(Buffer.alloc(60)), false);
  await client.data(1, 50);
  client.send(FRAME.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 20));
  client.send(FRAME.WINDOW_UPDATE, 0, 1, uint32(30));
  await client.settle();
  assert.ok(!client.received.some(({ type }) => type === FRAME.DATA));
  assert.equal(served(1).drains, 0);
  client.send(FRAME.WINDOW_UPDATE, 0, 1, uint32(10));
  await client.data(1, 10);
  assert.equal(served(1).drains, 1);
});

test('a stream that is held back takes what its window has, and the others go on', async (t) => {
  const { client, served } = await serve(t);
  client.open(1);
  client.open(3);
  await client.settle();
  served(1).stream.pause();
  const credits = (id: number): number =>
    client.received
      .filter(({ type, streamId }) => type === FRAME.WINDOW_UPDATE && streamId === id)
      .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  for (let count = 0; count < 6; count += 1) client.send(FRAME.DATA, 0, 1, Buffer.alloc(16_000));
  await client.settle();
  assert.equal(served(1).byteSize, 0);
  assert.equal(credits(1), 0);
  for (let count = 0; count < 6; count += 1) {
    client.send(FRAME.DATA, 0, 3, Buffer.alloc(16_000));
    await client.settle();
  }
  assert.equal(served(3).byteSize, 96_000);
  assert.ok(credits(3) >= 50_000, `only ${credits(3)} bytes of credit`);
  // Each byte may be sent again on the connection, whether its stream takes it or not.
  assert.ok(credits(0) >= 34_465 + 150_000, `only ${credits(0)} bytes of credit for the connection`);
  served(1).stream.resume();
  assert.equal(served(1).byteSize, 96_000);
  await client.settle();
  assert.ok(credits(1) >= 50_000);
});

test('padding counts for windows, and is no data', async (t) => {
  const { client, served } = await serve(t);
  client.open(1);
  const padded = Buffer.concat([Buffer.from([255]), Buffer.from('data'), Buffer.alloc(255)]);
  for (let count = 0; count < 1000; count += 1) client.send(FRAME.DATA, FLAG.PADDED, 1, padded);
  client.send(FRAME.DATA, FLAG.END_STREAM, 1);
  await client.settle();
  assert.equal(served(1).byteSize, 4000);
  assert.equal(served(1).isEnded, true);
});

test('close takes no new streams, lets the running ones end and then closes', async (t) => {
  const { client, connection, served } = await serve(t);
  client.open(1);
  await client.settle();
  connection.close();
  const { payload } = await client.next(({ type }) => type === FRAME.GOAWAY);
  assert.equal(payload.readUInt32BE(0), 1);
  assert.equal(payload.readUInt32BE(4), HTTP2_ERROR.NO_ERROR);
  client.open(3);
  client.send(FRAME.DATA, 0, 3, Buffer.alloc(5));
  client.send(FRAME.DATA, FLAG.END_STREAM, 1, Buffer.alloc(5));
  await client.settle();
  assert.equal(served(1).byteSize, 5);
  assert.throws(() => served(3));
  served(1).stream.respond(HEADERS, { endsStream: true, isRepeated: false });
  await client.closed();
});

test('a lost connection closes its streams, and what is written to them goes nowhere', async (t) => {
  const { client, connection, served } = await serve(t);
  client.open(1);
  await client.settle();
  client.destroy();
  const { stream } = served(1);
  while (!connection.isClosed) await new Promise(setImmediate);
  assert.equal(served(1).isClosed, true);
  assert.equal(stream.write(Buffer.alloc(10)), true);
  stream.end(NO_TRAILERS, false);
  stream.reset(HTTP2_ERROR.CANCEL);
});

test('a client that ends its side while what is written to it never leaves loses its connection', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const writing = Promise.withResolvers<void>();
  const socket = new Duplex({ allowHalfOpen: false, read: () => undefined, write: () => writing.resolve() });
  const lost = Promise.withResolvers<void>();
  new Http2Connection(socket as Socket, OPTIONS, {
    onStream: () => undefined,
    onPing: () => undefined,
    onClose: lost.resolve,
  });
  await writing.promise;
  socket.push(null);
  await lost.promise;
  t.mock.timers.tick(1000);
  assert.ok(socket.destroyed);
});

test('headers longer than a frame go on in further ones', async (t) => {
  const { client, served } = await serve(t);
  client.open(1, FLAG.END_STREAM);
  await client.settle();
  served(1).stream.respond(
    [
      [':status', '200'],
      ['x-long', 'x'.repeat(40_000)],
    ],
    { endsStream: true, isRepeated: false },
  );
  const first = await client.next(({ type }) => type === FRAME.HEADERS);
  assert.equal(first.flags, FLAG.END_STREAM);
  const second = await client.next(({ type }) => type === FRAME.CONTINUATION);
  const third = await client.next(({ type }) => type === FRAME.CONTINUATION);
  assert.deepEqual([second.flags, third.flags], [FLAG.NONE, FLAG.END_HEADERS]);
  assert.ok(first.payload.length + second.payload.length + third.payload.length > 40_000);
});

test('a client that asks for ever more and reads nothing loses its connection', LIMIT, async (t) => {
  const { client, streams, lost } = await serve(t);
  const long = [...HEADERS, ['x-long', 'x'.repeat(15_000)]] as const;
  let isLost = false;
  void lost.then(() => (isLost = true));
  client.stopReading();
  for (let id = 1; !isLost; id += 2) {
    client.open(id, FLAG.END_STREAM);
    if (id % 100 === 1) await new Promise((resolve) => setImmediate(resolve));
    for (const { stream } of streams.values()) stream.respond(long, { endsStream: true, isRepeated: false });
    streams.clear();
  }
});

test('streams beyond what a client may have open are refused, and taken again when one has ended', async (t) => {
  const { client, served, streams } = await serve(t);
  for (let count = 0; count < OPTIONS.maxStreams; count += 1) client.open(2 * count + 1);
  const refused = 2 * OPTIONS.maxStreams + 1;
  client.open(refused);
  client.send(FRAME.DATA, FLAG.END_STREAM, refused, Buffer.alloc(10));
  const { payload } = await client.next(
    ({ type, streamId }) => type === FRAME.RST_STREAM && streamId === refused,
  );
  assert.equal(payload.readUInt32BE(0), HTTP2_ERROR.REFUSED_STREAM);
  assert.equal(streams.size, OPTIONS.maxStreams);
  served(1).stream.reset(HTTP2_ERROR.CANCEL);
  client.open(refused + 2);
  await client.settle();
  assert.ok(streams.has(refused + 2));
});

test('a client that changes its settings without end loses its connection', async (t) => {
  const { client } = await serve(t);
  for (let count = 0; count < 1000; count += 1) client.send(FRAME.SETTINGS, 0, 0, setting(4, count));
  const { payload } = await client.next(({ type }) => type === FRAME.GOAWAY);
  assert.equal(payload.readUInt32BE(4), HTTP2_ERROR.ENHANCE_YOUR_CALM);
});

test('whatever a client sends, it is answered or loses its connection', async (t) => {
  const frame = fc.record({
    type: fc.integer({ min: 0, max: 11 }),
    flags: fc.integer({ min: 0, max: 255 }),
    streamId: fc.oneof(fc.constantFrom(0, 1, 3, 5, 7), fc.nat()),
    payload: fc.oneof(
      fc.constantFrom(REQUEST_BLOCK, uint32(1), uint32(2 ** 31 - 1), setting(SETTING.INITIAL_WINDOW_SIZE, 5)),
      fc.uint8Array({ maxLength: 40 }),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 12 }), async (frames) => {
      const { client, connection } = await serve(t);
      for (const { type, flags, streamId, payload } of frames) client.send(type, flags, streamId, payload);
      const isServed = await client.settle().then(
        () => true,
        () => false,
      );
      assert.ok(isServed || connection.isClosed);
      client.destroy();
    }),
    { numRuns: 150 },
  );
});
