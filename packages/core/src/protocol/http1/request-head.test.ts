import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { readRequestHead } from './request-head.ts';

function read(...lines: string[]): ReturnType<typeof readRequestHead> {
  return readRequestHead(Buffer.from(`${lines.join('\r\n')}\r\n\r\nbody`, 'latin1'));
}

test('a plain head', () => {
  const head = read(
    'POST /v2/models/m/infer?x=1 HTTP/1.1',
    'Host: h',
    'Content-Length:  12 ',
    'X-Name:\ta: \xe4 b ',
  );
  assert.deepEqual(head, {
    method: 'POST',
    url: '/v2/models/m/infer?x=1',
    headers: { host: 'h', 'content-length': '12', 'x-name': 'a: \xe4 b' },
    rawHeaders: ['Host', 'h', 'Content-Length', '12', 'X-Name', 'a: \xe4 b'],
    contentLength: 12,
    keepsAlive: true,
    byteLength: 88,
  });
});

test('the client says whether its connection stays', () => {
  const keepsAlive = (value: string): boolean | undefined =>
    read('GET / HTTP/1.1', 'Host: h', `Connection: ${value}`)?.keepsAlive;
  assert.deepEqual(['keep-alive', 'Keep-Alive', 'close', 'Close'].map(keepsAlive), [
    true,
    true,
    false,
    false,
  ]);
});

test('what is not plain is left to others', () => {
  const GET = 'GET / HTTP/1.1';
  const unusual: readonly (readonly string[])[] = [
    [''],
    ['GET /'],
    ['GET / HTTP/1.0', 'Host: h'],
    ['GET / HTTP/2.0', 'Host: h'],
    ['HEAD / HTTP/1.1', 'Host: h'],
    ['PUT / HTTP/1.1', 'Host: h'],
    ['get / HTTP/1.1', 'Host: h'],
    ['GET  / HTTP/1.1', 'Host: h'],
    ['GET / x HTTP/1.1', 'Host: h'],
    ['GET /\xe4 HTTP/1.1', 'Host: h'],
    ['GET http://h/ HTTP/1.1', 'Host: h'],
    ['', GET, 'Host: h'],
    [GET],
    [GET, 'Host: h', 'Host: h'],
    [GET, 'Host: h', 'A: 1', 'a: 2'],
    [GET, 'Host: h', ' folded: x'],
    [GET, 'Host: h', 'A : x'],
    [GET, 'Host: h', 'A\t: x'],
    [GET, 'Host: h', 'no colon'],
    [GET, 'Host: h', ': no name'],
    [GET, 'Host: h', 'N\xe4me: x'],
    [GET, 'Host: h', 'A: x\0'],
    [GET, 'Host: h', 'A: x\ny'],
    [GET, 'Host: h', 'A: x\ry'],
    [GET, 'Host: h', '__proto__: x'],
    [GET, 'Host: h', 'constructor: x'],
    [GET, 'Host: h', 'Transfer-Encoding: chunked'],
    [GET, 'Host: h', 'Transfer-Encoding: identity'],
    [GET, 'Host: h', 'Expect: 100-continue'],
    [GET, 'Host: h', 'Upgrade: h2c'],
    [GET, 'Host: h', 'Connection: upgrade'],
    [GET, 'Host: h', 'Connection: keep-alive, x'],
    [GET, 'Host: h', 'Proxy-Connection: close'],
    [GET, 'Host: h', 'Trailer: x'],
    [GET, 'Host: h', 'Content-Length: '],
    [GET, 'Host: h', 'Content-Length: +1'],
    [GET, 'Host: h', 'Content-Length: -1'],
    [GET, 'Host: h', 'Content-Length: 0x1'],
    [GET, 'Host: h', 'Content-Length: 1, 1'],
    [GET, 'Host: h', 'Content-Length: 2147483648'],
    [GET, 'Host: h', 'Content-Length: 10000000000'],
    [GET, 'Host: h', `A: ${'x'.repeat(16_384)}`],
  ];
  for (const lines of unusual) assert.equal(read(...lines), undefined, JSON.stringify(lines));
});

test('a head that has not come whole is left to others', () => {
  const whole = Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  assert.notEqual(readRequestHead(whole), undefined);
  for (let end = 0; end < whole.length; end += 1) {
    assert.equal(readRequestHead(whole.subarray(0, end)), undefined);
  }
});

test('what is taken means the same to Node', async (t) => {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request.resume());
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const heads = [
    'GET / HTTP/1.1\r\nHost: h\r\nConnection: close',
    'POST /a/b?c=%20&d[]=;e HTTP/1.1\r\nhOST: [::1]:80\r\nContent-Length: 0\r\nconnection: CLOSE',
    "GET /!$&'()*+,-./:;=@_~ HTTP/1.1\r\nHost:\r\nX-Empty:\r\nX-Spaces:  \t a  b \t\r\nConnection: close",
    'GET / HTTP/1.1\r\nHost: h\r\n!#$%&*+-.^_`|~09aZ: \x80\xff"(),/:;<=>?@[\\]{}\r\nConnection: close',
  ];
  for (const text of heads) {
    const bytes = Buffer.from(`${text}\r\n\r\n`, 'latin1');
    const socket = connect(port, '127.0.0.1');
    socket.end(bytes);
    await once(socket.resume(), 'close');
    const theirs = seen.at(-1);
    const ours = readRequestHead(bytes);
    assert.deepEqual(
      [ours?.method, ours?.url, { ...ours?.headers }, ours?.rawHeaders],
      [theirs?.method, theirs?.url, { ...theirs?.headers }, theirs?.rawHeaders],
    );
  }
  assert.equal(seen.length, heads.length);
});
