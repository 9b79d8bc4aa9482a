import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { StreamedAnswer } from './streamed-answer.ts';

async function serve(t: TestContext, answer: (response: ServerResponse) => void): Promise<number> {
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function get(
  options: RequestOptions,
): Promise<{ readonly answer: IncomingMessage; readonly body: string }> {
  const asked = request({ host: '127.0.0.1', ...options }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  for await (const piece of answer.setEncoding('utf8')) body += String(piece);
  return { answer, body };
}

/** Writes bytes, text beyond ASCII, and nothing. */
function writeAll(response: ServerResponse): void {
  const answer = new StreamedAnswer(response);
  answer.begin(200, { 'Content-Type': 'text/event-stream' });
  answer.write(Buffer.from('one '));
  answer.write('zwölf 🎉 ');
  answer.write('');
  answer.end('end');
}

test('pieces arrive as they were written, in chunks', async (t) => {
  const port = await serve(t, writeAll);
  const { answer, body } = await get({ port });
  assert.equal(body, 'one zwölf 🎉 end');
  assert.equal(answer.headers['transfer-encoding'], 'chunked');
  assert.equal(answer.headers['content-type'], 'text/event-stream');
});

test('the connection takes the next request', async (t) => {
  const port = await serve(t, writeAll);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const { answer: first } = await get({ port, agent });
  const { answer: second, body } = await get({ port, agent });
  assert.equal(body, 'one zwölf 🎉 end');
  assert.equal(second.socket, first.socket);
});

test('requests that come before the answer is written are answered in their order', async (t) => {
  const port = await serve(t, writeAll);
  const socket = connect(port, '127.0.0.1');
  const one = 'GET / HTTP/1.1\r\nHost: x\r\n';
  socket.write(`${one}\r\n${one}Connection: close\r\n\r\n`);
  let text = '';
  for await (const piece of socket.setEncoding('utf8')) text += String(piece);
  assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
  assert.equal(text.match(/3\r\nend\r\n0\r\n\r\n/g)?.length, 2);
});

test('a client of HTTP/1.0 gets no chunks', async (t) => {
  const port = await serve(t, writeAll);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  let text = '';
  for await (const piece of socket.setEncoding('utf8')) text += String(piece);
  assert.ok(text.endsWith('\r\n\r\none zwölf 🎉 end'), text);
});

test('a client that does not read is seen, and when it does again', async (t) => {
  const drained = Promise.withResolvers<void>();
  const port = await serve(t, (response) => {
    const answer = new StreamedAnswer(response);
    answer.begin(200, {});
    while (!response.writableNeedDrain) answer.write(Buffer.alloc(65_536));
    response.once('drain', () => {
      answer.end();
      drained.resolve();
    });
  });
  const { body } = await get({ port });
  await drained.promise;
  assert.equal(body.length % 65_536, 0);
});
