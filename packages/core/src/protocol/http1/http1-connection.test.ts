import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Http1Connection, type ConnectionOwner, type PlainListener } from './http1-connection.ts';
import type { PlainAnswer } from './plain-answer.ts';
import type { ReadInto, ReadSink } from './read-into.ts';

/** How bytes come into memory: in Node's chunks, or read into memory that the connection gives. */
type Way = 'chunks' | 'memory';

interface ClientOptions {
  readonly highWaterMark?: number;
  /** Takes a piece of an answer when it calls back. Default: at once. */
  readonly write?: (done: () => void) => unknown;
}

/** A client without a network: what it sends comes in the very pieces in which it was sent. */
class Client {
  received = '';
  unusual: Buffer | undefined;
  isGone = false;
  isTooSlow = false;
  readonly server: Duplex;
  readonly connection: Http1Connection;

  readonly #sent: Buffer[] = [];
  #sink: ReadSink | undefined;
  #common: Uint8Array | undefined;

  constructor(
    way: Way,
    listener: PlainListener,
    { highWaterMark = 65_536, write = (done: () => void): unknown => done() }: ClientOptions = {},
  ) {
    this.server = new Duplex({
      highWaterMark,
      read: () => undefined,
      write: (piece: Buffer, _encoding, done) => {
        this.received += piece.toString('latin1');
        write(done);
      },
    });
    const owner: ConnectionOwner = {
      find: ({ url }) => (url.startsWith('/strange') ? undefined : listener),
      onGone: () => (this.isGone = true),
      onUnusual: (_socket, bytes) => (this.unusual = bytes),
      onTooSlow: () => (this.isTooSlow = true),
    };
    const read: ReadInto = (_socket, sink) => {
      this.#sink = sink;
      this.#common = sink.memory();
      return () => (this.#sink = undefined);
    };
    const none = (): undefined => undefined;
    this.connection = new Http1Connection(this.server as Socket, owner, way === 'memory' ? read : none);
    this.server.on('resume', () => {
      this.#deliver();
    });
  }

  async send(bytes: string | Buffer): Promise<void> {
    this.post(bytes);
    await turn();
  }

  /** Sends; what the connection throws at once is thrown here. */
  post(bytes: string | Buffer): void {
    if (bytes.length === 0) return;
    this.#sent.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    this.#deliver();
  }

  /** As a socket does: not while it is paused. */
  #deliver(): void {
    while (!this.server.isPaused()) {
      const piece = this.#sent.shift();
      if (piece === undefined) return;
      if (this.#sink === undefined) this.server.emit('data', piece);
      else this.#readInto(this.#sink, piece);
    }
  }

  #readInto(sink: ReadSink, piece: Buffer): void {
    const memory = sink.memory();
    const byteLength = piece.copy(memory);
    if (byteLength < piece.length) this.#sent.unshift(piece.subarray(byteLength));
    try {
      sink.onRead(byteLength, memory);
    } finally {
      // What is common is written over by the next read of any connection.
      if (memory === this.#common) memory.fill(0x23);
    }
  }

  /** The bodies of the answers that came. */
  get bodies(): string[] {
    return this.received.split(/HTTP\/1\.1 .*?\r\n\r\n/s).slice(1);
  }
}

type Connect = (listener: PlainListener, options?: ClientOptions) => Client;

function testBothWays(name: string, check: (connect: Connect) => Promise<void>): void {
  for (const way of ['chunks', 'memory'] as const) {
    test(`${name} (${way})`, () => check((listener, options) => new Client(way, listener, options)));
  }
}

/** Answers with method, path and body. */
const echo: PlainListener = (request, answer) => {
  request.collectBody((_error, body) => {
    answer.writeHead(200, { 'Content-Length': request.method.length + request.url.length + body.length });
    answer.end(request.method + request.url + body.toString('latin1'), 'latin1');
  });
};

function get(path: string, ...headers: string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: h', ...headers, '', ''].join('\r\n');
}

function post(path: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`;
}

testBothWays('requests are answered wherever their bodies are cut', async (connect) => {
  const requests = [
    get('/a'),
    post('/b', 'body of b'),
    post('/b', 'body of B'),
    post('/empty', ''),
    get('/c'),
  ];
  const all = requests.join('');
  const heads = new Set<number>();
  let at = 0;
  for (const request of requests) {
    for (let i = 1; i < request.indexOf('\r\n\r\n') + 4; i += 1) heads.add(at + i);
    at += request.length;
  }
  for (let cut = 0; cut <= all.length; cut += 1) {
    const client = connect(echo);
    await client.send(all.slice(0, cut));
    await client.send(all.slice(cut));
    if (heads.has(cut)) {
      // A head in two pieces is for Node, with all that was not served.
      assert.notEqual(client.unusual, undefined);
      assert.equal(client.isGone, true);
    } else {
      const expected = ['GET/a', 'POST/bbody of b', 'POST/bbody of B', 'POST/empty', 'GET/c'];
      assert.deepEqual(client.bodies, expected, `cut at ${String(cut)}`);
    }
  }
});

testBothWays('a body may come byte by byte', async (connect) => {
  const client = connect(echo);
  const request = post('/slow', 'abcdef');
  await client.send(request.slice(0, -6));
  for (const byte of 'abcdef') await client.send(byte);
  await client.send(get('/next'));
  assert.deepEqual(client.bodies, ['POST/slowabcdef', 'GET/next']);
});

testBothWays('a body may be asked for later, when some, all or none of it has come', async (connect) => {
  const request = post('/late', 'abcdef');
  for (const known of [0, 3, 6]) {
    const asks: (() => void)[] = [];
    const client = connect((plain, answer) => asks.push(() => echo(plain, answer)));
    const cut = request.length - 6 + known;
    await client.send(request.slice(0, cut));
    asks.shift()?.();
    await client.send(request.slice(cut) + get('/next'));
    asks.shift()?.();
    await turn();
    assert.deepEqual(client.bodies, ['POST/lateabcdef', 'GET/next'], `${String(known)} bytes had come`);
  }
});

test('a body of one chunk is not copied', async () => {
  const bodies: Buffer[] = [];
  const client = new Client('chunks', (request) => request.collectBody((_error, body) => bodies.push(body)));
  const bytes = Buffer.from(post('/x', 'x'.repeat(100)));
  await client.send(bytes);
  assert.equal(bodies[0]?.buffer, bytes.buffer);
});

testBothWays('what comes before the answer waits', async (connect) => {
  const answers: PlainAnswer[] = [];
  const urls: string[] = [];
  const client = connect(({ url }, answer) => {
    urls.push(url);
    answers.push(answer);
  });
  await client.send(get('/1') + get('/2'));
  assert.deepEqual([urls, client.server.isPaused()], [['/1'], true]);
  answers[0]?.end();
  await turn();
  assert.deepEqual([urls, client.server.isPaused()], [['/1', '/2'], false]);
});

testBothWays('a client that does not read its answers gets no more of them', async (connect) => {
  const pending: (() => void)[] = [];
  const client = connect(echo, {
    highWaterMark: 1000,
    write: (done) => pending.push(done),
  });
  for (let count = 0; count < 100; count += 1) await client.send(get('/unread'));
  assert(client.server.writableLength < 1500, `${String(client.server.writableLength)} bytes wait`);
  for (let done = pending.shift(); done !== undefined; done = pending.shift()) {
    done();
    await turn();
  }
  assert.equal(client.bodies.length, 100);
});

testBothWays('a body that nobody asks for is passed over once its request is answered', async (connect) => {
  const client = connect((request, answer) => {
    if (request.url === '/no') answer.writeHead(404, { 'Content-Length': 0 }).end();
    else echo(request, answer);
  });
  const refused = post('/no', 'x'.repeat(1000));
  await client.send(refused.slice(0, 200));
  await client.send(refused.slice(200) + get('/yes'));
  assert.deepEqual(client.bodies, ['', 'GET/yes']);
});

testBothWays('a request that is not plain leaves with all its bytes', async (connect) => {
  for (const unusual of [get('/strange'), get('/x', 'Expect: 100-continue'), 'nonsense']) {
    const client = connect(echo);
    await client.send(get('/a') + unusual);
    assert.deepEqual(client.bodies, ['GET/a']);
    assert.equal(client.unusual?.toString(), unusual);
    assert.deepEqual(
      ['data', 'drain', 'timeout', 'close'].map((name) => client.server.listenerCount(name)),
      [0, 0, 0, 0],
    );
    assert.equal(client.server.isPaused(), true);
  }
});

testBothWays(
  'a client that wants no more requests has its connection closed after the answer',
  async (connect) => {
    const client = connect(echo);
    await client.send(get('/a', 'Connection: close') + get('/b'));
    assert.deepEqual(client.bodies, ['GET/a']);
    assert.match(client.received, /\r\nConnection: close\r\n/);
    assert.equal(client.server.writableEnded, true);
  },
);

testBothWays(
  'a client that goes closes the answer, and the body that did not come is let go',
  async (connect) => {
    const answers: PlainAnswer[] = [];
    let bodies = 0;
    const client = connect((request, answer) => {
      answers.push(answer);
      request.collectBody(() => bodies++);
    });
    await client.send(post('/x', 'abc').slice(0, -1));
    const [answer] = answers;
    assert(answer !== undefined);
    const closed = once(answer, 'close');
    client.server.destroy();
    await closed;
    assert.deepEqual([answer.destroyed, answer.closed, bodies, client.isGone], [true, true, 0, true]);
  },
);

testBothWays(
  'closing lets the running request end, and closes an idle connection at once',
  async (connect) => {
    const answers: PlainAnswer[] = [];
    const busy = connect((_request, answer) => answers.push(answer));
    await busy.send(get('/'));
    busy.connection.close();
    assert.equal(busy.server.destroyed, false);
    answers[0]?.end('last');
    await turn();
    assert.match(busy.received, /Connection: close\r\n.*last/s);
    assert.equal(busy.server.writableEnded, true);

    const idle = connect(echo);
    idle.connection.close();
    assert.equal(idle.server.destroyed, true);
  },
);

testBothWays('clients that take too long are given up', async (connect) => {
  const never = { first: 1e9, body: 1e9 };
  const silent = connect(echo);
  silent.connection.expire(never);
  assert.equal(silent.isTooSlow, false);
  silent.connection.expire({ ...never, first: -1 });
  assert.equal(silent.isTooSlow, true);

  const slow = connect(echo);
  await slow.send(post('/x', 'abc').slice(0, -1));
  slow.connection.expire({ ...never, first: -1 });
  assert.equal(slow.isTooSlow, false);
  slow.connection.expire({ ...never, body: -1 });
  assert.equal(slow.isTooSlow, true);

  const fine = connect(echo);
  await fine.send(post('/x', 'abc'));
  fine.connection.expire({ first: -1, body: -1 });
  assert.equal(fine.isTooSlow, false);
});

testBothWays('a handler that throws does not keep the next request from being answered', async (connect) => {
  const client = connect((request, answer) => {
    echo(request, answer);
    if (request.url === '/bad') throw new Error('a mistake');
  });
  assert.throws(() => {
    client.post(get('/bad'));
  }, /a mistake/);
  await client.send(get('/good'));
  assert.deepEqual(client.bodies, ['GET/bad', 'GET/good']);
});

const LARGE = Array.from({ length: 200_000 }, (_, i) => String.fromCharCode(97 + ((i * 7919) % 26))).join('');

testBothWays('a large body may be cut anywhere, with requests before and after', async (connect) => {
  const all = get('/a') + post('/large', LARGE) + post('/b', 'b') + get('/c');
  const expected = ['GET/a', `POST/large${LARGE}`, 'POST/bb', 'GET/c'];
  for (const size of [1000, 16_000, 65_535, 65_536, 65_537, 150_000, 183_600, 199_999, 200_050, 300_000]) {
    const client = connect(echo);
    for (let at = 0; at < all.length; at += size) await client.send(all.slice(at, at + size));
    assert.deepEqual(client.bodies, expected, `pieces of ${String(size)}`);
  }
});

testBothWays('a large body whose request is answered before it has come is passed over', async (connect) => {
  const client = connect((request, answer) => {
    if (request.url !== '/early') {
      echo(request, answer);
      return;
    }
    request.collectBody(() => assert.fail('nobody waits for it any more'));
    answers.push(answer);
  });
  const answers: PlainAnswer[] = [];
  const early = post('/early', LARGE);
  await client.send(early.slice(0, 70_000));
  await client.send(early.slice(70_000, 100_000));
  answers[0]?.writeHead(400, { 'Content-Length': 0 }).end();
  await client.send(early.slice(100_000, 150_000));
  await client.send(early.slice(150_000) + post('/next', LARGE));
  assert.deepEqual(client.bodies, ['', `POST/next${LARGE}`]);
});

testBothWays('an unusual request after a large body leaves with all its bytes', async (connect) => {
  const client = connect(echo);
  const large = post('/large', LARGE);
  await client.send(large.slice(0, 190_000));
  await client.send(large.slice(190_000) + get('/strange'));
  assert.deepEqual(client.bodies, [`POST/large${LARGE}`]);
  assert.equal(client.unusual?.toString(), get('/strange'));
});

test('of a large body all is read into place but its beginning and its end', () => {
  const memories = new Set<ArrayBufferLike>();
  let body: Buffer | undefined;
  const socket = new Duplex({ read: () => undefined });
  let sink: ReadSink | undefined;
  const read: ReadInto = (_socket, given) => {
    sink = given;
    return undefined;
  };
  const find = (): PlainListener => (request) => {
    request.collectBody((_error, bytes) => (body = bytes));
  };
  const owner = { find, onGone: () => undefined, onUnusual: () => undefined, onTooSlow: () => undefined };
  const connection = new Http1Connection(socket as Socket, owner, read);
  assert(sink !== undefined);
  const common = sink.memory();
  let bytes = Buffer.from(post('/large', LARGE));
  while (bytes.length > 0) {
    const memory = sink.memory();
    if (memory !== common) memories.add(memory.buffer);
    const byteLength = bytes.copy(memory, 0, 0, 50_000);
    bytes = bytes.subarray(byteLength);
    sink.onRead(byteLength, memory);
  }
  assert.deepEqual([...memories], [body?.buffer]);
  assert.equal(body?.toString(), LARGE);
  connection.destroy();
});
