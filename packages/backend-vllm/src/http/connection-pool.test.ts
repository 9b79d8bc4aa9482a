import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { ConnectError } from './connect-error.ts';
import { ConnectionPool, type ConnectionPoolOptions } from './connection-pool.ts';

const EMPTY = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const GET = { method: 'GET', path: '/', headers: {} } as const;

/** A server that answers what it reads, and a pool for it. */
interface Setup extends AsyncDisposable {
  readonly pool: ConnectionPool;
  readonly server: Server;
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Those that were taken, in their order. */
  readonly sockets: readonly Socket[];
}

/** @param answer - To each piece that comes; a head lies in one. */
async function setUp(
  answer: string | ((socket: Socket, piece: Buffer) => void),
  options?: ConnectionPoolOptions,
  protocol = 'http',
): Promise<Setup> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      if (typeof answer === 'string') socket.write(answer);
      else answer(socket, piece);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  const pool = new ConnectionPool(new URL(`${protocol}://${host}`), options);
  return {
    pool,
    server,
    host,
    sockets,
    [Symbol.asyncDispose]: async () => {
      pool.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Rejects with what the request failed with. */
function ask(pool: ConnectionPool, body?: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    pool.send(
      { ...GET, method: body === undefined ? 'GET' : 'POST', body: body && [body] },
      {
        onStatus: (status) => (text = `${status} `),
        onData: (chunk) => (text += chunk.toString()),
        onEnd: () => resolve(text),
        onError: reject,
      },
    );
  });
}

test('uses a connection again, the last one first, and has as many as there are requests', async () => {
  await using started = await setUp(EMPTY);
  const { pool, sockets } = started;
  await ask(pool);
  await ask(pool);
  assert.equal(sockets.length, 1);
  await Promise.all([ask(pool), ask(pool), ask(pool)]);
  assert.equal(sockets.length, 3);
  assert.equal(pool.size, 3);
});

test('sends the next request on the same connection when that is asked for at the end of an answer', async () => {
  await using started = await setUp(EMPTY);
  const { pool, sockets } = started;
  const ignore = (): void => undefined;
  await new Promise<void>((resolve, reject) => {
    const onEnd = (): void => void ask(pool).then(() => resolve(), reject);
    pool.send(GET, { onStatus: ignore, onData: ignore, onEnd, onError: reject });
  });
  assert.equal(sockets.length, 1);
});

test('closes connections that nobody uses', async () => {
  await using started = await setUp(EMPTY, { idleMs: 5 });
  const { pool, sockets } = started;
  await Promise.all([ask(pool), ask(pool)]);
  assert.equal(pool.size, 2);
  await Promise.all(sockets.map((socket) => once(socket, 'close')));
  assert.equal(pool.size, 0);
});

for (const [what, answer] of [
  [
    'that the engine is about to close',
    'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nkeep-alive: timeout=1\r\n\r\n',
  ],
  ['that the engine closes', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'],
  ['on which more came than an answer', `${EMPTY}HTTP/1.1 408 Request Timeout\r\n\r\n`],
] as const) {
  test(`does not use a connection again ${what}`, async () => {
    await using started = await setUp(answer);
    assert.equal(await ask(started.pool), '200 ');
    assert.equal(started.pool.size, 0);
  });
}

test('does not use a connection again on which something came unasked', async () => {
  await using started = await setUp(EMPTY);
  const { pool, sockets } = started;
  await ask(pool);
  const [socket] = sockets;
  assert(socket !== undefined);
  socket.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
  await once(socket, 'close');
  assert.equal(pool.size, 0);
});

test('does not use a connection again that still has a request to send', async () => {
  // More than the system takes without being read.
  const body = Buffer.alloc(64 * 1024 * 1024);
  await using started = await setUp((socket) => {
    socket.pause();
    socket.write('HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n');
  });
  assert.equal(await ask(started.pool, body), '413 ');
  assert.equal(started.pool.size, 0);
});

test('sends a body of any size whole', async () => {
  for (const size of [1, 65_536, 65_537, 5_000_000]) {
    let received = 0;
    await using started = await setUp((socket, piece) => {
      received += piece.length;
      if (piece.at(-1) === 0x21) socket.write(EMPTY);
    });
    const body = Buffer.alloc(size, 0x78);
    body[size - 1] = 0x21;
    assert.equal(await ask(started.pool, body), '200 ');
    const head = `POST / HTTP/1.1\r\nhost: ${started.host}\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n`;
    assert.equal(received, head.length + size);
  }
});

test('ends an answer without a length with its connection', async () => {
  await using started = await setUp((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'));
  assert.equal(await ask(started.pool), '200 all of it');
  assert.equal(started.pool.size, 0);
});

test('tells of an answer that was cut off', async () => {
  await using started = await setUp((socket) =>
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
  );
  await assert.rejects(ask(started.pool), {
    name: 'Error',
    message: 'it was closed before the answer was complete',
  });
});

test('tells of an answer that is none', async () => {
  await using started = await setUp('SMTP ready\r\n\r\n');
  await assert.rejects(ask(started.pool), { name: 'BadAnswerError', message: /found "SMTP ready"/ });
  assert.equal(started.pool.size, 0);
});

test('tells of a host where nobody listens', async () => {
  const started = await setUp(EMPTY);
  await started[Symbol.asyncDispose]();
  const pool = new ConnectionPool(new URL(`http://${started.host}`));
  await assert.rejects(ask(pool), (error) => error instanceof ConnectError && error.code === 'ECONNREFUSED');
  assert.equal(pool.size, 0);
});

test('gives a connection up that does not come about', async () => {
  await using started = await setUp(() => undefined, { connectMs: 20 }, 'https');
  await assert.rejects(ask(started.pool), { name: 'ConnectError', message: 'no connection within 0.02 s' });
});

test('tells of a header that can be none, without its value', async () => {
  await using started = await setUp(EMPTY);
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  const ignore = (): void => undefined;
  const request = { ...GET, headers: { authorization: 'a\nb' } };
  started.pool.send(request, { onStatus: ignore, onData: ignore, onEnd: resolve, onError: reject });
  await assert.rejects(promise, {
    name: 'ConnectError',
    message: /header 'authorization' for an engine: [^\n]*$/,
  });
  assert.equal(started.sockets.length, 0);
});

test('fails what runs when it is closed, and what comes later', async () => {
  await using started = await setUp(() => undefined);
  const { pool, server } = started;
  const running = ask(pool);
  await once(server, 'connection');
  pool.close();
  await assert.rejects(running, /the engine is not used any more/);
  await assert.rejects(ask(pool), /the engine is not used any more/);
});
