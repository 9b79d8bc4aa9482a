import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { RequestTurns } from './request-turns.ts';

const AHEAD = 50_000;

/** A server that answers at once what is not for `/slow`, and says `refused` to what is no request. */
async function start(t: TestContext) {
  const slow: ServerResponse[] = [];
  const seen = { read: 0, started: 0 };
  const turns = new RequestTurns(
    (request, response) => {
      seen.started += 1;
      if (request.url === '/slow') slow.push(response);
      else response.end(request.url);
    },
    (_error, socket) => socket.end('HTTP/1.1 400 refused\r\n\r\n'),
  );
  const server = createServer((request, response) => {
    seen.read += 1;
    turns.onRequest(request, response);
  });
  server.on('clientError', (error, socket) => turns.onError(error, socket as Socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  /** Gives the server time to read what others have sent. */
  const pass = async (condition: () => boolean): Promise<number> => {
    let others = 0;
    for (; others < 100 || !condition(); others += 1) await answersTo(port, get('/other', 'close'));
    return others;
  };
  return { port, seen, slow, pass };
}

function get(path: string, connection = 'keep-alive'): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: ${connection}\r\n\r\n`;
}

/** The last word of each answer: what it says of the path, or of the connection. */
async function answersTo(port: number, text: string): Promise<string[]> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  let answers = '';
  for await (const piece of socket.setEncoding('latin1')) answers += String(piece);
  return answers.split(/(?=HTTP\/1\.1 )/).map((answer) => answer.trim().split(/\s/).at(-1) ?? '');
}

test('what a client sends ahead is neither started nor read on before its turn, and then answered in order', async (t) => {
  const { port, seen, slow, pass } = await start(t);
  const all = answersTo(port, get('/slow') + get('/ahead').repeat(AHEAD) + get('/last', 'close'));
  const others = await pass(() => slow.length === 1);
  assert.equal(seen.started, others + 1);
  assert.ok(seen.read - others < AHEAD / 10, `${String(seen.read - others)} requests were read`);
  slow[0]?.end('slow');
  const expected = ['slow', ...Array<string>(AHEAD).fill('/ahead'), '/last'];
  assert.deepEqual(await all, expected);
});

test('what is no request is refused after the answers to those before it', async (t) => {
  const { port, slow, pass } = await start(t);
  const all = answersTo(port, `${get('/slow')}${get('/ahead')}no request\r\n\r\n`);
  await pass(() => slow.length === 1);
  slow[0]?.write('begins');
  await pass(() => true);
  slow[0]?.end('ends');
  assert.deepEqual((await all).slice(1), ['/ahead', 'refused']);
});

test('a request whose body is broken is refused at once, or in its turn', async (t) => {
  const { port, slow, pass } = await start(t);
  const broken = 'POST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n';
  assert.deepEqual(await answersTo(port, broken), ['refused']);
  const all = answersTo(port, get('/slow') + broken);
  await pass(() => slow.length === 2);
  slow[1]?.end('slow');
  assert.deepEqual(await all, ['slow', 'refused']);
  assert.equal(slow.length, 2);
});

test('an answer that has begun is cut off where its request is broken', async (t) => {
  const { port, slow, pass } = await start(t);
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n');
  await pass(() => slow.length === 1);
  slow[0]?.write('begins');
  await once(socket, 'data');
  socket.write('no chunk\r\n');
  let rest = '';
  socket.on('data', (piece) => (rest += piece.toString()));
  await once(
    socket.on('error', () => undefined),
    'close',
  );
  assert.equal(rest, '');
});

test('requests behind an answer that ends the connection are not started', async (t) => {
  const { port, seen } = await start(t);
  assert.deepEqual(await answersTo(port, get('/a') + get('/b', 'close') + get('/c')), ['/a', '/b']);
  assert.equal(seen.started, 2);
});
