import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Http1Server } from './http1-server.ts';
import { readInto, type ReadInto } from './read-into.ts';

const MIB = 1 << 20;

/** Whether this Node can do it: all that the project is tested with can. */
test('sockets of this Node read into memory that is given', async (t) => {
  let stops = 0;
  const port = await serve(t, (socket, sink) => {
    const stop = readInto(socket, sink);
    if (stop === undefined) return undefined;
    return () => {
      stops += 1;
      stop();
    };
  });
  await send(port, [post('/x', Buffer.from('x'), 'Connection: close')]);
  assert.equal(stops, 1);
});

function testBothWays(name: string, check: (port: number) => Promise<void>): void {
  const ways: [string, ReadInto][] = [
    ['memory', readInto],
    ['chunks', () => undefined],
  ];
  for (const [way, read] of ways) {
    test(`${name} (${way})`, async (t) => {
      await check(await serve(t, read));
    });
  }
}

testBothWays('bodies of all sizes come as they were sent, however they are cut', async (port) => {
  const sizes = [0, 1, 300, 8192, 16_384, 65_000, 65_536, 70_000, MIB - 1, 3 * MIB + 7, 2, 200_000];
  const bodies = sizes.map((size) => randomBytes(size));
  for (const pieceSize of [1013, 65_536, 700_001, 100 * MIB]) {
    const last = post('/end', Buffer.from('end'), 'Connection: close');
    const all = Buffer.concat([...bodies.map((body) => post('/x', body)), last]);
    const answers = await send(port, cut(all, pieceSize));
    assertBodies(answers, [...bodies, Buffer.from('end')]);
  }
});

testBothWays('connections that take turns do not mix their bytes', async (port) => {
  const ask = async (i: number): Promise<void> => {
    const bodies = Array.from({ length: 20 }, (_, k) =>
      Buffer.alloc(1 + ((i * 7919 + k * 104_729) % 150_000), i + 1),
    );
    const all = Buffer.concat([
      ...bodies.map((body) => post('/x', body)),
      post('/x', Buffer.of(0), 'Connection: close'),
    ]);
    const answers = await send(port, cut(all, 10_007));
    assertBodies(answers, [...bodies, Buffer.of(0)]);
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => ask(i)));
});

testBothWays('a connection that is handed on keeps every byte', async (port) => {
  const [plain, large, after] = [randomBytes(100_000), randomBytes(2 * MIB), randomBytes(90_000)];
  const all = Buffer.concat([
    post('/plain', plain),
    chunked(large),
    post('/after', after),
    post('/end', Buffer.from('end'), 'Connection: close'),
  ]);
  for (const pieceSize of [9973, 100_000, 100 * MIB]) {
    const answers = await send(port, cut(all, pieceSize));
    assertBodies(answers, [plain, large, after, Buffer.from('end')]);
  }
});

testBothWays('what is sent after an upgrade comes as a stream, and waits for its reader', async (port) => {
  const bytes = randomBytes(8 * MIB);
  const head = 'GET /u HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
  const sent = [post('/x', Buffer.from('x')), Buffer.from(head), ...cut(bytes, 50_000)];
  const answer = await send(port, sent, { ends: true });
  const end = answer.indexOf('101 Switching');
  assert(answer.subarray(answer.indexOf('\r\n\r\n', end) + 4).equals(bytes));
});

test('a listener that throws does not have its memory filled twice', async (t) => {
  const errors: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => errors.push(error));
  t.after(() => {
    process.setUncaughtExceptionCaptureCallback(null);
  });
  const port = await serve(t, readInto);
  const body = randomBytes(MIB);
  const all = [post('/throw', body), post('/x', body), post('/end', Buffer.of(1), 'Connection: close')];
  assertBodies(await send(port, all), [body, body, Buffer.of(1)]);
  assert.deepEqual(
    errors.map((error) => (error as Error).message),
    ['a mistake'],
  );
});

test('the memory of a connection that is gone is not kept for it', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const gone = Promise.withResolvers<WeakRef<Uint8Array>>();
  const server = createSocketServer((socket) => {
    const memory = Buffer.allocUnsafeSlow(MIB);
    const stop = readInto(socket, { memory: () => memory, onRead: () => socket.destroy() });
    socket.on('close', () => {
      stop?.();
      gone.resolve(new WeakRef(memory));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  client.end('x');
  const memory = await gone.promise;
  for (let turns = 0; turns < 10; turns += 1) {
    await turn();
    collectGarbage();
  }
  assert.ok(memory.deref() === undefined);
});

/** Answers with what was sent; what is not plain is answered by Node's server. */
async function serve(t: TestContext, read: ReadInto): Promise<number> {
  const node = createNodeServer();
  const server = new Http1Server(
    {
      find: () => (request, answer) => {
        request.collectBody((_error, body) => {
          answer.writeHead(200, { 'Content-Length': body.length }).end(body);
          if (request.url === '/throw') throw new Error('a mistake');
        });
      },
      adopt: (socket) => {
        node.emit('connection', socket);
        socket.resume();
      },
      refuseSlow: (socket) => socket.destroy(),
    },
    undefined,
    read,
  );
  server.socketServer.listen(0, '127.0.0.1');
  await once(server.socketServer, 'listening');
  t.after(async () => {
    const closed = server.close();
    server.destroyConnections();
    node.closeAllConnections();
    await closed;
  });
  return (server.socketServer.address() as AddressInfo).port;
}

function createNodeServer(): Server {
  const node = createServer((request, response) => {
    void buffer(request).then((body) => {
      response.writeHead(200, { 'Content-Length': body.length }).end(body);
    });
  });
  node.on('upgrade', (_request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.unshift(head);
    // Echoing waits for a client that does not read yet.
    socket.pipe(socket);
  });
  return node;
}

/** Sends piece by piece; everything that comes until the server closes the connection. */
async function send(port: number, pieces: readonly Buffer[], { ends = false } = {}): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const received = buffer(socket);
  for (const piece of pieces) if (!socket.write(piece)) await once(socket, 'drain');
  // Who ends while requests wait loses their answers, with Node's server as well.
  if (ends) socket.end();
  return received;
}

function post(path: string, body: Buffer, ...headers: string[]): Buffer {
  const length = `Content-Length: ${String(body.length)}`;
  const head = [`POST ${path} HTTP/1.1`, 'Host: h', length, ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head), body]);
}

function chunked(body: Buffer): Buffer {
  const head = 'POST /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
  const size = `${body.length.toString(16)}\r\n`;
  return Buffer.concat([Buffer.from(head + size), body, Buffer.from('\r\n0\r\n\r\n')]);
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** Without a picture of the difference, which takes minutes for large ones. */
function assertBodies(answers: Buffer, expected: readonly Buffer[]): void {
  const bodies = bodiesOf(answers);
  assert.deepEqual(
    bodies.map(({ length }) => length),
    expected.map(({ length }) => length),
  );
  for (const [i, body] of bodies.entries()) assert(expected[i]?.equals(body), `answer ${String(i)} differs`);
}

/** The bodies of answers that have a length. */
function bodiesOf(answers: Buffer): Buffer[] {
  const bodies: Buffer[] = [];
  let rest = answers;
  while (rest.length > 0) {
    const start = rest.indexOf('\r\n\r\n') + 4;
    const head = rest.toString('latin1', 0, start);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    assert(length >= 0, `no length in ${head}`);
    bodies.push(rest.subarray(start, start + length));
    rest = rest.subarray(start + length);
  }
  return bodies;
}
