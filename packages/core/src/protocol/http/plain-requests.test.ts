import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import {
  identity,
  responseOf,
  servedModel,
  startServer,
  type FakeServices,
} from './testing/fake-services.ts';

const BODY = JSON.stringify({ inputs: [{ name: 'X', datatype: 'FP32', shape: [2], data: [1, 2.5] }] });
const INFER = '/v2/models/m/infer';

/** With this header a request is one for Node's server. */
const UNUSUAL = 'TE: trailers';

function request(method: string, path: string, { headers = [''], body = '' } = {}): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: h', ...headers.filter((line) => line !== '')];
  if (body !== '') lines.push(`Content-Length: ${String(Buffer.byteLength(body))}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Everything that comes for a text until the server closes the connection, with the headers of each answer by name. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  for await (const piece of socket.setEncoding('latin1')) answer += String(piece);
  return answer
    .replaceAll(/Date: .*? GMT/g, 'Date: now')
    .replaceAll(/(?<=HTTP.*\r\n)((?:[\w-]+: .*\r\n)+)(?=\r\n)/g, (headers) =>
      headers.split('\r\n').sort().join('\n'),
    );
}

const FAKES: FakeServices = {
  inference: {
    ...identity(),
    getModel: (name) => {
      if (name === 'm') return servedModel();
      if (name === 'stream') return servedModel({ name, decoupled: true });
      throw new InferenceServerError('NOT_FOUND', `no model '${name}'`);
    },
    infer: (model, message, handler) => {
      const outputs = message.inputs.map((input) => ({ ...input, data: input.data ?? new Uint8Array() }));
      if (model.decoupled) for (let i = 0; i < 3; i += 1) handler(responseOf(...outputs), false);
      handler(model.decoupled ? undefined : responseOf(...outputs), true);
      return { cancel: () => undefined };
    },
  },
  health: { live: () => true, ready: () => false, modelReady: (name) => Promise.resolve(name === 'm') },
  management: {
    modelMetadata: (name) => ({ name }) as never,
    repositoryIndex: () => Promise.resolve([{ name: 'm' }]),
  },
};

const REQUESTS: readonly (readonly [string, string, { headers?: string[]; body?: string }?])[] = [
  ['GET', '/v2/health/live'],
  ['GET', '/v2/health/live?x=%20'],
  ['GET', '/v2/health/ready'],
  ['GET', '/v2/models/m/ready'],
  ['GET', '/v2/models/m/versions/1/ready'],
  ['GET', '/v2/models/m'],
  ['GET', '/v2/models/a-b.c_d'],
  ['GET', '/v2/models/ready'],
  ['GET', '/v2/nowhere'],
  ['POST', '/v2/models/m', { body: 'x' }],
  ['POST', '/v2/repository/index', { body: '{}' }],
  ['POST', '/v2/repository/index', { body: '{' }],
  ['POST', INFER, { body: BODY }],
  ['POST', `${INFER}?a=b`, { body: BODY }],
  ['POST', '/v2/models/m/versions/1/infer', { body: BODY }],
  ['POST', INFER, { body: BODY, headers: ['Accept-Encoding: gzip'] }],
  ['POST', INFER, { body: BODY, headers: ['Content-Encoding: br'] }],
  ['POST', INFER, { body: BODY, headers: ['Inference-Header-Content-Length: x'] }],
  ['POST', INFER, { body: 'no JSON' }],
  ['POST', INFER],
  ['POST', '/v2/models/unknown/infer', { body: BODY }],
  ['POST', '/v2/models/stream/infer', { body: BODY }],
  ['POST', '/v2/models/stream/infer', { body: BODY, headers: ['Accept: text/event-stream'] }],
  ['POST', '/v2/models/stream/generate_stream', { body: '{}' }],
  ['POST', '/v2/models/stream/generate', { body: '{}' }],
];

test('plain requests get the same answers as those by way of Node', async (t) => {
  const { port } = await startServer(t, FAKES);
  for (const [method, path, { headers = [], body = '' } = {}] of REQUESTS) {
    for (const last of ['Connection: close', '']) {
      // A second request ends the connection, if the first one does not.
      const end = last === '' ? request('GET', '/v2/health/live', { headers: ['Connection: close'] }) : '';
      const send = (...more: string[]): Promise<string> =>
        exchange(port, request(method, path, { headers: [...headers, last, ...more], body }) + end);
      const [plain, node] = await Promise.all([send(), send(UNUSUAL)]);
      assert.equal(plain, node, `${method} ${path}`);
      assert.match(plain, /^HTTP\/1\.1 \d{3} /);
    }
  }
});

test('a binary answer is the same by both ways', async (t) => {
  const { port } = await startServer(t, FAKES);
  const values = new Float32Array(5000).fill(0.5);
  for (const length of [2, 5000]) {
    const data = Buffer.from(values.buffer, 0, 4 * length);
    const tensor = {
      name: 'X',
      datatype: 'FP32',
      shape: [length],
      parameters: { binary_data_size: data.length },
    };
    const json = JSON.stringify({ inputs: [tensor], parameters: { binary_data_output: true } });
    const headers = [`Inference-Header-Content-Length: ${String(json.length)}`, 'Connection: close'];
    const send = (...more: string[]): Promise<string> => {
      const lines = [`POST ${INFER} HTTP/1.1`, 'Host: h', ...headers, ...more];
      const size = json.length + data.length;
      const text = `${lines.join('\r\n')}\r\nContent-Length: ${String(size)}\r\n\r\n${json}`;
      return exchange(port, text + data.toString('latin1'));
    };
    const [plain, node] = await Promise.all([send(), send(UNUSUAL)]);
    assert.equal(plain, node);
    assert.ok(plain.length > data.length);
  }
});

test('a connection goes on with Node after its first unusual request, with all that was sent', async (t) => {
  const { port } = await startServer(t, FAKES);
  const chunked =
    `POST ${INFER} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n` +
    `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
  const plain = request('POST', INFER, { body: BODY });
  const last = request('POST', INFER, { body: BODY, headers: ['Connection: close'] });
  const all = plain + chunked + plain + last;
  const expected = await exchange(port, all);
  assert.equal(expected.match(/HTTP\/1\.1 200 OK/g)?.length, 4);
  for (let cut = 1; cut < all.length; cut += 7) {
    const socket = connect(port, '127.0.0.1').setNoDelay();
    socket.write(all.slice(0, cut));
    // By then the server has what was sent: the answer to this comes from it, on another connection.
    await exchange(port, request('GET', '/v2/health/live', { headers: ['Connection: close'] }));
    socket.write(all.slice(cut));
    let answer = '';
    for await (const piece of socket.setEncoding('latin1')) answer += String(piece);
    assert.equal(answer.match(/HTTP\/1\.1 200 OK/g)?.length, 4, `cut at ${String(cut)}`);
  }
});

test('closing closes idle connections of both kinds, and lets running requests of both kinds end', async (t) => {
  const running: (() => void)[] = [];
  const both = Promise.withResolvers<undefined>();
  const { server, port } = await startServer(t, {
    ...FAKES,
    inference: {
      ...identity(),
      infer: (_model, _message, handler) => {
        if (running.push(() => handler(responseOf(), true)) === 2) both.resolve(undefined);
        return { cancel: () => undefined };
      },
    },
  });
  const open = async (...headers: string[]): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(request('GET', '/v2/health/live', { headers }));
    await once(socket, 'data');
    return socket;
  };
  const idle = await Promise.all([open(), open(UNUSUAL)]);
  const ended = Promise.all(idle.map((socket) => once(socket.resume(), 'close')));
  const asked = [[], [UNUSUAL]].map((headers) =>
    exchange(port, request('POST', INFER, { body: BODY, headers })),
  );
  await both.promise;
  const closed = server.close(60_000);
  await ended;
  for (const answer of running) answer();
  const [plain = '', node = ''] = await Promise.all(asked);
  assert.match(plain, /^HTTP\/1\.1 200 OK\r\n.*\nConnection: close\n/s);
  assert.match(node, /^HTTP\/1\.1 200 OK\r\n/);
  await closed;
});

test('a client that waits for leave to send its body gets it', async (t) => {
  const { port } = await startServer(t, FAKES);
  const headers = ['Expect: 100-continue', 'Connection: close'];
  const answer = await exchange(port, request('POST', INFER, { body: BODY, headers }));
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test('a large body of which little has come takes little memory, by both ways', async (t) => {
  const { port } = await startServer(t, FAKES);
  const memory = (): number => process.memoryUsage().arrayBuffers + process.memoryUsage().external;
  const before = memory();
  const sockets = [[], [UNUSUAL]].map((headers) => {
    const head = request('POST', INFER, { headers: [...headers, `Content-Length: ${String(2 ** 31 - 1)}`] });
    const socket = connect(port, '127.0.0.1');
    socket.write(`${head}{`);
    return socket;
  });
  // When this is answered, they have been read: each is further than a connection that was opened later.
  for (const headers of [[], [UNUSUAL]]) {
    await exchange(port, request('GET', '/v2/health/live', { headers: [...headers, 'Connection: close'] }));
  }
  const taken = memory() - before;
  for (const socket of sockets) socket.destroy();
  assert.ok(taken < 2 ** 24, `${String(taken)} bytes for bodies of which one byte has come`);
});
