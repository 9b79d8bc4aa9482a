/** OpenAI's API on the real server, where clients can't look: bytes, refusals, slow readers, fronts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { serveEngine, type ServedEngine, type ServedEngineOptions } from '../llm/serve-engine.ts';

const LIMIT = { timeout: 60_000 };
const HELLO = { model: 'llama', messages: [{ role: 'user', content: 'hello' }], max_tokens: 4 };

async function withEngine(
  use: (served: ServedEngine) => Promise<void>,
  options: Omit<ServedEngineOptions, 'model'> = {},
): Promise<void> {
  await using served = await serveEngine({ ...options, model: 'llama' });
  await use(served);
}

function chat(base: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${base}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function errorOf(response: Response): Promise<{ readonly [name: string]: unknown }> {
  const { error } = (await response.json()) as { readonly error: { readonly [name: string]: unknown } };
  return error;
}

/** What an engine makes up anew for each answer. */
function withoutIds(text: string): string {
  return text.replaceAll(/"(id|created)":(?:"[^"]*"|\d+)/g, '"$1":0');
}

for (const stream of [false, true]) {
  test(`an answer ${stream ? 'in a stream ' : ''}is the engine's own, byte by byte`, LIMIT, () =>
    withEngine(
      async ({ engine, server }) => {
        const body = { ...HELLO, stream, logprobs: true, top_logprobs: 1, unheard_of: [1, { a: null }] };
        const [direct, through] = [await chat(engine.url, body), await chat(server.http, body)];
        const [expected, found] = [direct, through].map(({ headers }) => headers.get('content-type'));
        assert.equal(found?.split(';')[0], expected?.split(';')[0]);
        assert.equal(withoutIds(await through.text()), withoutIds(await direct.text()));
        const [first, second] = engine.requests.map((request) => request.body);
        assert.equal(second, first);
      },
      // Under another name the body's `model` would be the engine's.
      { script: { models: ['llama'] } },
    ),
  );
}

test('an engine that is broken, or busy, is told as such', LIMIT, () =>
  withEngine(async ({ engine, server }) => {
    await engine.set({ fault: 'status-500' });
    const broken = await chat(server.http, HELLO);
    assert.equal(broken.status, 500);
    assert.match(String((await errorOf(broken))['message']), /the engine is broken/);
    await engine.set({ fault: 'status-429' });
    const busy = await chat(server.http, HELLO);
    assert.deepEqual([busy.status, busy.headers.get('retry-after')], [429, '1']);
    await engine.set({});
    assert.equal((await chat(server.http, HELLO)).status, 200);
  }),
);

test('a restricted API asks for its key with 401', LIMIT, () =>
  withEngine(
    async ({ server }) => {
      const refused = await chat(server.http, HELLO);
      assert.equal(refused.status, 401);
      assert.equal((await errorOf(refused))['type'], 'authentication_error');
      assert.equal((await chat(server.http, HELLO, { 'X-Key': 'secret' })).status, 200);
      assert.equal((await fetch(`${server.http}/v1/models`)).status, 200);
    },
    { flags: ['--http-restricted-api=inference:x-key=secret'] },
  ),
);

test('a body beyond the limit, and another method, are refused in the same form', LIMIT, () =>
  withEngine(
    async ({ server }) => {
      const long = await chat(server.http, { ...HELLO, padding: 'x'.repeat(2000) });
      assert.equal(long.status, 400);
      assert.match(
        String((await errorOf(long))['message']),
        /exceeds the maximum allowed input size of 1000 bytes/,
      );
      const method = await fetch(`${server.http}/v1/chat/completions`);
      assert.equal(method.status, 405);
      assert.equal((await errorOf(method))['code'], 'method_not_allowed');
    },
    { flags: ['--http-max-input-size=1000'] },
  ),
);

test('a client that takes nothing of its stream is given up, and the engine freed', LIMIT, () =>
  withEngine(
    async ({ engine, server }) => {
      const { hostname, port } = new URL(server.http);
      const socket = connect({ host: hostname, port: Number(port) });
      await once(socket, 'connect');
      socket.pause();
      const body = JSON.stringify({ ...HELLO, stream: true, max_tokens: 1_000_000 });
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      await engine.until(({ aborted }) => aborted === 1);
      socket.destroy();
      assert.equal((await chat(server.http, HELLO)).status, 200);
    },
    { flags: ['--stream-timeout-secs=1'] },
  ),
);

test('fronts speak it as well', LIMIT, () =>
  withEngine(
    async ({ server }) => {
      const answer = await chat(server.http, { ...HELLO, stream: true });
      assert.match(await answer.text(), /word_3[^]*data: \[DONE\]\n\n$/);
      assert.equal((await chat(server.http, { ...HELLO, model: 'none' })).status, 404);
      assert.equal((await fetch(`${server.http}/v1/models`)).status, 200);
    },
    { flags: ['--front-threads=1'] },
  ),
);
