import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import { createServer, identity, responseOf, startServer } from './testing/fake-services.ts';

const BODY = JSON.stringify({ inputs: [] });

test('unknown paths are 404, whatever the method', async () => {
  const server = createServer({});
  const paths = [
    '/',
    '/v1',
    '/v2/',
    '/v2/nothing/here',
    '/v2/health/other',
    '/v2/models//infer',
    '/v2/models/m/',
    '/v2/models/m/infer/',
    '/v2/models/m/infer/x',
    '/v2/models/m/versions/x/infer',
    '/v2/models/m/versions/-1/infer',
    '/v2/models/m/versions//infer',
    '/v2/models/m/versions/1/trace/setting',
    '/v2/repository/models/m/reload',
    '/v2/models/%zz',
    '/metrics',
  ];
  for (const url of paths) {
    for (const method of ['GET', 'POST', 'PUT'] as const) {
      const answer = await server.inject({ method, url, payload: method === 'GET' ? '' : '{' });
      assert.equal(answer.statusCode, 404, `${method} ${url}`);
      assert.deepEqual(answer.json(), { error: 'Not Found' });
    }
  }
});

test('methods that a path does not take are 405', async () => {
  const server = createServer({});
  const table = [
    ['POST', '/v2'],
    ['POST', '/v2/health/live'],
    ['HEAD', '/v2/health/ready'],
    ['POST', '/v2/models/m'],
    ['DELETE', '/v2/models/m'],
    ['GET', '/v2/models/m/infer'],
    ['PUT', '/v2/models/m/versions/3/infer'],
    ['POST', '/v2/models/m/config'],
    ['POST', '/v2/models/m/stats'],
    ['GET', '/v2/repository/index'],
    ['GET', '/v2/repository/models/m/load'],
    ['PUT', '/v2/trace/setting'],
    ['DELETE', '/v2/logging'],
    ['GET', '/v2/systemsharedmemory/region/r/register'],
    ['PATCH', '/v2/cudasharedmemory/status'],
    ['OPTIONS', '/v2'],
  ] as const;
  for (const [method, url] of table) {
    const answer = await server.inject({ method, url });
    assert.equal(answer.statusCode, 405, `${method} ${url}`);
    if (method !== 'HEAD') assert.deepEqual(answer.json(), { error: 'Method Not Allowed' });
  }
});

test('names of models may be long', async () => {
  const name = 'm'.repeat(5000);
  const server = createServer({ management: { modelMetadata: (model) => answerWith(model.length) } });
  const answer = await server.inject(`/v2/models/${name}`);
  assert.equal(answer.payload, '5000');
});

test('every request is noted in the log at verbose level 1', async () => {
  const lines: string[] = [];
  const verbose = (level: number, line: string): void => {
    lines.push(`${String(level)} ${line}`);
  };
  const server = createServer({ health: { live: () => true }, logger: { verbose } });
  await server.inject('/v2/health/live');
  await server.inject('/nowhere');
  assert.deepEqual(lines, ['1 HTTP request: GET /v2/health/live', '1 HTTP request: GET /nowhere']);
});

test('a query is passed over', async () => {
  const server = createServer({ health: { live: () => true } });
  assert.equal((await server.inject('/v2/health/live?verbose=1')).statusCode, 200);
});

test('restricted APIs want their header, before the method is looked at', async () => {
  const restrictions = [
    { groups: ['model-repository', 'metadata'], header: 'Admin-Key', value: 'secret' },
    { groups: ['inference'], header: 'infer-key', value: 'x' },
  ];
  const server = createServer(
    { management: { repositoryIndex: () => Promise.resolve([]) }, health: { live: () => true } },
    { restrictions },
  );
  const index = { method: 'POST', url: '/v2/repository/index' } as const;
  for (const headers of [{}, { 'admin-key': 'wrong' }]) {
    const answer = await server.inject({ ...index, headers });
    assert.equal(answer.statusCode, 403);
    assert.deepEqual(answer.json(), { error: "This API is restricted, expecting header 'Admin-Key'" });
  }
  const headers = { 'admin-key': 'secret' };
  assert.equal((await server.inject({ ...index, headers })).statusCode, 200);
  assert.equal((await server.inject({ ...index, method: 'GET' })).statusCode, 403);
  assert.equal((await server.inject({ ...index, method: 'GET', headers })).statusCode, 405);
  assert.equal((await server.inject({ method: 'POST', url: '/v2/models/m/infer' })).statusCode, 403);
  assert.equal((await server.inject('/v2/health/live')).statusCode, 200);
});

test('a request need not name the host, as in Triton', async (t) => {
  const { port } = await startServer(t, { health: { live: () => true } });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /v2/health/live HTTP/1.1\r\nConnection: close\r\n\r\n');
  let answer = '';
  for await (const piece of socket.setEncoding('utf8')) answer += String(piece);
  assert.match(answer, /^HTTP\/1.1 200 /);
});

test('what is no HTTP gets a JSON error and loses its connection', async (t) => {
  const { port } = await startServer(t, {});
  for (const [text, status, error] of [
    ['nonsense\r\n\r\n', 400, 'Bad Request: Invalid method encountered'],
    ['GET /v2 HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n', 400, 'Bad Request: .* Content-Length'],
    [`GET /v2 HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431, '.*: Header overflow'],
  ] as const) {
    const socket = connect(port, '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const piece of socket.setEncoding('utf8')) answer += String(piece);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${String(status)} `));
    assert.match(answer, new RegExp(`\r\n\r\n\\{"error":"${error}"\\}$`));
  }
});

test('a connection survives an error that comes before the body was read', async (t) => {
  const getModel = (): never => {
    throw new InferenceServerError('NOT_FOUND', 'no such model');
  };
  const { port } = await startServer(t, { inference: { getModel } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
  });
  const ports = new Set<number | undefined>();
  for (let i = 0; i < 3; i++) {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      agent,
      method: 'POST',
      path: '/v2/models/m/infer',
    });
    request.end(Buffer.alloc(300_000));
    const response = await responseTo(request);
    assert.equal(response.statusCode, 404);
    ports.add(request.socket?.localPort);
    await once(response.resume(), 'end');
  }
  assert.equal(ports.size, 1);
});

test('closing closes idle connections at once, also those that never sent a request', async (t) => {
  const { server, port } = await startServer(t, { health: { live: () => true } });
  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const agent = new Agent({ keepAlive: true });
  const request = httpRequest({ port, host: '127.0.0.1', agent, path: '/v2/health/live' });
  request.end();
  await once((await responseTo(request)).resume(), 'end');
  await server.close(60_000);
  agent.destroy();
  silent.destroy();
});

test('closing waits for a running request, then closes its connection', async (t) => {
  const running = Promise.withResolvers<() => void>();
  const { server, port } = await startServer(t, {
    inference: {
      ...identity(),
      infer: (_model, _message, handler) => {
        running.resolve(() => {
          handler(responseOf(), true);
        });
        return { cancel: () => undefined };
      },
    },
  });
  const agent = new Agent({ keepAlive: true });
  const request = httpRequest({ port, host: '127.0.0.1', agent, method: 'POST', path: '/v2/models/m/infer' });
  request.end(BODY);
  const answer = await running.promise;
  const closed = server.close(60_000);
  answer();
  const response = await responseTo(request);
  assert.equal(response.statusCode, 200);
  await once(response.resume(), 'end');
  await closed;
  agent.destroy();
});

test('closing cuts off what runs after the deadline', async (t) => {
  const started = Promise.withResolvers<undefined>();
  const infer = (): { cancel: () => void } => {
    started.resolve(undefined);
    return { cancel: () => undefined };
  };
  const { server, url } = await startServer(t, { inference: { ...identity(), infer } });
  const answer = fetch(`${url}/v2/models/m/infer`, { method: 'POST', body: BODY });
  await started.promise;
  await Promise.all([server.close(1), assert.rejects(answer)]);
});

for (const headers of ['', 'Connection: close\r\n']) {
  test(`closing loses nothing of an answer that waits for its client ${headers.trim()}`, async (t) => {
    const byteSize = 20_000_000;
    const data = new Uint8Array(byteSize);
    const output = { name: 'X', datatype: 'UINT8' as const, shape: [byteSize], data };
    const answered = Promise.withResolvers<undefined>();
    const { server, port } = await startServer(t, {
      inference: {
        ...identity(),
        infer: (_model, _message, handler) => {
          handler(responseOf(output), true);
          answered.resolve(undefined);
          return { cancel: () => undefined };
        },
      },
    });
    const ask = (): Socket => {
      const body = JSON.stringify({ inputs: [], parameters: { binary_data_output: true } });
      const head = `POST /v2/models/m/infer HTTP/1.1\r\nHost: h\r\n${headers}`;
      const socket = connect(port, '127.0.0.1').pause();
      socket.write(`${head}Content-Length: ${String(body.length)}\r\n\r\n${body}`);
      return socket;
    };
    const reader = ask();
    const stuck = ask();
    stuck.on('error', () => undefined);
    await answered.promise;
    await once(reader, 'readable');
    await once(stuck, 'readable');
    const closed = server.close(500);
    let received = 0;
    for await (const piece of reader) received += (piece as Buffer).length;
    assert.ok(received > byteSize, String(received));
    // One that never reads is cut off.
    await closed;
    stuck.destroy();
  });
}

test('a port that is in use is UNAVAILABLE', async (t) => {
  const { port } = await startServer(t, {});
  await assert.rejects(createServer({}, { port }).listen(), {
    code: 'UNAVAILABLE',
    message: new RegExp(`cannot listen for HTTP on 127.0.0.1:${String(port)}: .*EADDRINUSE`),
  });
});

function answerWith(value: unknown): never {
  return value as never;
}

async function responseTo(request: ReturnType<typeof httpRequest>): Promise<IncomingMessage> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}
