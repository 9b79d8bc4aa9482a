import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Http1Connection, type ConnectionOwner, type PlainListener } from './http1-connection.ts';
import type { PlainAnswer } from './plain-answer.ts';

/** A client without a network: what it sends comes in the very pieces in which it was sent. */
class Client {
  received = '';
  unusual: Buffer | undefined;
  isGone = false;
  isTooSlow = false;
  readonly server: Duplex;
  readonly connection: Http1Connection;

  /** @param write - Takes a piece of an answer when it calls back. Default: at once. */
  constructor(
    listener: PlainListener,
    { highWaterMark = 65_536, write = (done: () => void): unknown => done() } = {},
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
    this.connection = new Http1Connection(this.server as Socket, owner);
  }

  async send(bytes: string | Buffer): Promise<void> {
    this.server.push(bytes, 'latin1');
    await turn();
  }

  /** The bodies of the answers that came. */
  get bodies(): string[] {
    return this.received.split(/HTTP\/1\.1 .*?\r\n\r\n/s).slice(1);
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

test('requests are answered wherever their bodies are cut', async () => {
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
    const client = new Client(echo);
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

test('a body may come byte by byte', async () => {
  const client = new Client(echo);
  const request = post('/slow', 'abcdef');
  await client.send(request.slice(0, -6));
  for (const byte of 'abcdef') await client.send(byte);
  await client.send(get('/next'));
  assert.deepEqual(client.bodies, ['POST/slowabcdef', 'GET/next']);
});

test('a body of one piece is not copied', async () => {
  const bodies: Buffer[] = [];
  const client = new Client((request) => request.collectBody((_error, body) => bodies.push(body)));
  const bytes = Buffer.from(post('/x', 'x'.repeat(100)));
  await client.send(bytes);
  assert.equal(bodies[0]?.buffer, bytes.buffer);
});

test('what comes before the answer waits', async () => {
  const answers: PlainAnswer[] = [];
  const urls: string[] = [];
  const client = new Client(({ url }, answer) => {
    urls.push(url);
    answers.push(answer);
  });
  await client.send(get('/1') + get('/2'));
  assert.deepEqual([urls, client.server.isPaused()], [['/1'], true]);
  answers[0]?.end();
  await turn();
  assert.deepEqual([urls, client.server.isPaused()], [['/1', '/2'], false]);
});

test('a client that does not read its answers gets no more of them', async () => {
  const pending: (() => void)[] = [];
  const client = new Client(echo, {
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

test('a body that nobody asks for is passed over once its request is answered', async () => {
  const client = new Client((request, answer) => {
    if (request.url === '/no') answer.writeHead(404, { 'Content-Length': 0 }).end();
    else echo(request, answer);
  });
  const refused = post('/no', 'x'.repeat(1000));
  await client.send(refused.slice(0, 200));
  await client.send(refused.slice(200) + get('/yes'));
  assert.deepEqual(client.bodies, ['', 'GET/yes']);
});

test('a request that is not plain leaves with all its bytes', async () => {
  for (const unusual of [get('/strange'), get('/x', 'Expect: 100-continue'), 'nonsense']) {
    const client = new Client(echo);
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

test('a client that wants no more requests has its connection closed after the answer', async () => {
  const client = new Client(echo);
  await client.send(get('/a', 'Connection: close') + get('/b'));
  assert.deepEqual(client.bodies, ['GET/a']);
  assert.match(client.received, /\r\nConnection: close\r\n/);
  assert.equal(client.server.writableEnded, true);
});

test('a client that goes closes the answer, and the body that did not come is let go', async () => {
  const answers: PlainAnswer[] = [];
  let bodies = 0;
  const client = new Client((request, answer) => {
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
});

test('closing lets the running request end, and closes an idle connection at once', async () => {
  const answers: PlainAnswer[] = [];
  const busy = new Client((_request, answer) => answers.push(answer));
  await busy.send(get('/'));
  busy.connection.close();
  assert.equal(busy.server.destroyed, false);
  answers[0]?.end('last');
  await turn();
  assert.match(busy.received, /Connection: close\r\n.*last/s);
  assert.equal(busy.server.writableEnded, true);

  const idle = new Client(echo);
  idle.connection.close();
  assert.equal(idle.server.destroyed, true);
});

test('clients that take too long are given up', async () => {
  const never = { first: 1e9, body: 1e9 };
  const silent = new Client(echo);
  silent.connection.expire(never);
  assert.equal(silent.isTooSlow, false);
  silent.connection.expire({ ...never, first: -1 });
  assert.equal(silent.isTooSlow, true);

  const slow = new Client(echo);
  await slow.send(post('/x', 'abc').slice(0, -1));
  slow.connection.expire({ ...never, first: -1 });
  assert.equal(slow.isTooSlow, false);
  slow.connection.expire({ ...never, body: -1 });
  assert.equal(slow.isTooSlow, true);

  const fine = new Client(echo);
  await fine.send(post('/x', 'abc'));
  fine.connection.expire({ first: -1, body: -1 });
  assert.equal(fine.isTooSlow, false);
});

test('a handler that throws does not keep the next request from being answered', async () => {
  const client = new Client((request, answer) => {
    echo(request, answer);
    if (request.url === '/bad') throw new Error('a mistake');
  });
  assert.throws(() => client.server.emit('data', Buffer.from(get('/bad'))), /a mistake/);
  await client.send(get('/good'));
  assert.deepEqual(client.bodies, ['GET/bad', 'GET/good']);
});
