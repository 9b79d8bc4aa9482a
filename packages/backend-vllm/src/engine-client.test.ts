import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { test } from 'node:test';
import { callEngine, type EngineCallRequest } from './engine-client.ts';
import type { Engine } from './engine.ts';
import { absentEngine, answerJson, beginEvents, event, startTestEngine } from './testing/test-engine.ts';

/** What was heard of an answer. */
interface Heard {
  readonly status: number;
  readonly body: string;
  readonly error: Error | undefined;
}

function ask(engine: Engine, request: EngineCallRequest): Promise<Heard> {
  return new Promise((resolve) => {
    let status = 0;
    const chunks: Buffer[] = [];
    const end = (error: Error | undefined): void =>
      resolve({ status, body: Buffer.concat(chunks).toString(), error });
    callEngine(engine, request, {
      onStatus: (found) => (status = found),
      onData: (chunk) => void chunks.push(Buffer.from(chunk)),
      onEnd: () => end(undefined),
      onError: end,
    });
  });
}

test('sends headers and a JSON body, below the path of the URL', async () => {
  await using started = await startTestEngine((_request, response) => answerJson(response, { ok: true }));
  const { engine, seen } = started;
  const below = { ...engine, url: new URL('/base', engine.url), headers: { authorization: 'Bearer k' } };
  const { status, body } = await ask(below, {
    method: 'POST',
    path: '/v1/x',
    body: [Buffer.from('{"a":'), Buffer.from('1}')],
  });
  assert.deepEqual([status, body], [200, '{"ok":true}']);
  const [request] = seen;
  assert.deepEqual(
    [request?.path, request?.body, request?.headers.authorization, request?.headers['content-type']],
    ['/base/v1/x', { a: 1 }, 'Bearer k', 'application/json'],
  );
});

test('tells of an engine that is not there', async () => {
  await using absent = await absentEngine();
  const { error, status } = await ask(absent.engine, { method: 'GET', path: '/' });
  assert.deepEqual([status, error instanceof Error], [0, true]);
});

test('tells of an answer that was cut off', async () => {
  await using started = await startTestEngine((_request, response) => {
    beginEvents(response);
    response.write(event('a'), () => response.destroy());
  });
  const { status, body, error } = await ask(started.engine, { method: 'GET', path: '/' });
  assert.deepEqual([status, body, error instanceof Error], [200, 'data: a\n\n', true]);
});

test('closes the connection when it is aborted, and says nothing more', async () => {
  await using started = await startTestEngine((_request, response) => {
    beginEvents(response);
    response.write(event('a'));
  });
  const heard: string[] = [];
  await new Promise<void>((resolve) => {
    const call = callEngine(
      started.engine,
      { method: 'GET', path: '/' },
      {
        onStatus: () => heard.push('status'),
        onData: () => {
          heard.push('data');
          call.abort();
          resolve();
        },
        onEnd: () => heard.push('end'),
        onError: () => heard.push('error'),
      },
    );
  });
  await started.seen[0]?.aborted;
  assert.deepEqual(heard, ['status', 'data']);
});

test('sends nothing when it is aborted before there is a connection', async () => {
  await using started = await startTestEngine((_request, response) => answerJson(response, {}));
  const fail = (): void => assert.fail('nothing is heard of a request that was given up');
  const silent = { onStatus: fail, onData: fail, onEnd: fail, onError: fail };
  callEngine(started.engine, { method: 'GET', path: '/given-up' }, silent).abort();
  await ask(started.engine, { method: 'GET', path: '/next' });
  assert.deepEqual(
    started.seen.map(({ path }) => path),
    ['/next'],
  );
});

test('holds the engine back while it is paused', async () => {
  const piece = Buffer.alloc(1 << 16, 0x61);
  const size = 64 * piece.length;
  await using started = await startTestEngine(async (_request, response) => {
    for (let sent = 0; sent < size; sent += piece.length) {
      if (!response.write(piece)) await once(response, 'drain');
    }
    response.end();
  });
  let received = 0;
  let most = 0;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const call = callEngine(
    started.engine,
    { method: 'GET', path: '/' },
    {
      onStatus: () => call.pause(true),
      onData: (chunk) => (received += chunk.length),
      onEnd: resolve,
      onError: assert.fail,
    },
  );
  // Another answer comes in full meanwhile: there was time for this one, too.
  await ask(started.engine, { method: 'GET', path: '/' });
  most = received;
  call.pause(false);
  await ended;
  assert.ok(most <= piece.length, `${most} bytes came while it was paused`);
  assert.equal(received, size);
});

test('goes on reading when that is asked for within another answer', async () => {
  await using started = await startTestEngine((_request, response) => {
    beginEvents(response);
    response.write(event('a'));
    response.end(event('b'));
  });
  const { promise: paused, resolve: setPaused } = Promise.withResolvers<void>();
  const { promise: firstEnded, resolve: endFirst } = Promise.withResolvers<void>();
  const { promise: secondEnded, resolve: endSecond } = Promise.withResolvers<void>();
  const first = callEngine(
    started.engine,
    { method: 'GET', path: '/' },
    {
      onStatus: () => {
        first.pause(true);
        setPaused();
      },
      onData: () => undefined,
      onEnd: endFirst,
      onError: assert.fail,
    },
  );
  await paused;
  callEngine(
    started.engine,
    { method: 'GET', path: '/' },
    {
      onStatus: () => undefined,
      onData: () => first.pause(false),
      onEnd: endSecond,
      onError: assert.fail,
    },
  );
  await Promise.all([firstEnded, secondEnded]);
});

test('keeps sockets out of the async context of their first request', async () => {
  await using started = await startTestEngine((_request, response) => answerJson(response, {}));
  const storage = new AsyncLocalStorage<string>();
  const seen = await storage.run('first', () => {
    return new Promise<string | undefined>((resolve) => {
      callEngine(
        started.engine,
        { method: 'GET', path: '/' },
        {
          onStatus: () => undefined,
          onData: () => undefined,
          onEnd: () => resolve(storage.getStore()),
          onError: assert.fail,
        },
      );
    });
  });
  assert.equal(seen, undefined);
});
