/** More requests than an engine takes: who waits, who is refused and what they are told. The engine is a scripted one. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { GrpcClient, InferInput } from '@nereid/client';
import { chat, generate, llmModel, metricValue, type Answer } from '../llm/llm-models.ts';
import { startScriptedEngine, type ScriptedEngine } from '../llm/scripted-engine.ts';
import { until } from '../llm/until.ts';
import { collect } from '../server/collect.ts';
import { makeRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };

test('requests beyond the places wait here, and all are served', LIMIT, async () => {
  await using served = await serve({ max_concurrent_requests: '2' });
  await served.engine.set({ tokensPerSecond: 50 });
  let most = 0;
  const watching = served.engine.until(({ running, waiting, seen }) => {
    most = Math.max(most, running + waiting);
    return seen === 8;
  });
  const answers = await Promise.all(Array.from({ length: 8 }, () => generate(served.server, 'llama')));
  await watching;
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(most, 2);
});

test('a full queue refuses with 429 and the time to stay away', LIMIT, async () => {
  await using served = await serve({ max_concurrent_requests: '1', max_queue_requests: '2' });
  const { server } = served;
  await served.hold();
  const waiting = [1, 2].map(() => generate(server, 'llama'));
  await untilQueued(server, 2);
  const refused = await generate(server, 'llama');
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  assert.match(refused.text, /model 'llama' has 2 requests of about \d+ tokens waiting/);
  assert.equal(await metricValue(server, 'nereid_llm_refused_total', 'reason="queue_full"'), 1);
  await served.release();
  assert.deepEqual(await statuses(waiting), [200, 200]);
});

test('a queue may be limited by tokens', LIMIT, async () => {
  await using served = await serve({ max_concurrent_requests: '1', max_queue_tokens: '100' });
  const { server } = served;
  await served.hold();
  const waiting = generate(server, 'llama', { max_tokens: 80 });
  await untilQueued(server, 1);
  assert.equal((await generate(server, 'llama', { max_tokens: 80 })).status, 429);
  const small = generate(server, 'llama', { max_tokens: 5 });
  await untilQueued(server, 2);
  await served.release();
  assert.deepEqual(await statuses([waiting, small]), [200, 200]);
});

test('a client with little is not behind all of one that has much', LIMIT, async () => {
  await using served = await serve({ max_concurrent_requests: '1', client_key_parameter: 'client_key' });
  const { server, engine } = served;
  await served.hold();
  const much = Array.from({ length: 5 }, () => generate(server, 'llama', { client_key: 'much' }));
  await untilQueued(server, 5);
  const little = generate(server, 'llama', { client_key: 'little', text_input: 'little' });
  await untilQueued(server, 6);
  await served.release();
  assert.deepEqual(await statuses([...much, little]), [200, 200, 200, 200, 200, 200]);
  const place = engine.requests.findIndex(({ body }) => body.includes('little'));
  assert.equal(place, 2, 'it comes after the one that ran and the first that waited');
});

test('clients of /v1 are told apart by their keys, which no V2 request can claim', LIMIT, async () => {
  await using served = await serve({ max_concurrent_requests: '1', client_key_parameter: 'client_key' });
  const { server, engine } = served;
  await served.hold();
  const much = Array.from({ length: 4 }, () => chat(server, 'llama', 'many words', bearer('much')));
  await untilQueued(server, 4);
  const little = chat(server, 'llama', 'few words', bearer('little'));
  await untilQueued(server, 5);
  const claim = await generate(server, 'llama', { triton_client_key: keyOf('other') });
  assert.equal(claim.status, 400);
  assert.match(claim.text, /starting with 'triton_' are reserved/);
  // Under the name that the configuration gives, what is claimed is another client: its share is not that of `much`.
  const claimed = generate(server, 'llama', { client_key: keyOf('much'), text_input: 'claimed' });
  await untilQueued(server, 6);
  await served.release();
  assert.deepEqual(await statuses([...much, little, claimed]), [200, 200, 200, 200, 200, 200]);
  const order = engine.requests.map(({ body }) => /many|few|claimed/.exec(body)?.[0]).slice(1);
  assert.deepEqual(order.slice(0, 3).toSorted(), ['claimed', 'few', 'many']);
});

test('a header that a proxy sets says whose share it is, whatever the request says', LIMIT, async () => {
  await using served = await serve(
    { max_concurrent_requests: '1', client_key_parameter: 'x-tenant' },
    '--grpc-header-forward-pattern=x-tenant',
  );
  const { server, engine } = served;
  const ask = async (tenant: string, text: string, told: string): Promise<boolean> => {
    const client = new GrpcClient(server.grpc, { headers: { 'x-tenant': tenant } });
    const inputs = [InferInput.from('text_input', [text])];
    const request = { modelName: 'llama', inputs, parameters: { max_tokens: 3, 'x-tenant': told } };
    const [answer] = await collect(client.inferStream([request]));
    await client.close();
    return answer?.kind === 'result';
  };
  await served.hold();
  const much = Array.from({ length: 4 }, (_, index) => ask('a', 'many words', `name ${index}`));
  await untilQueued(server, 4);
  const little = ask('b', 'few words', 'a');
  await untilQueued(server, 5);
  await served.release();
  assert.deepEqual(await Promise.all([...much, little]), [true, true, true, true, true]);
  const place = engine.requests.findIndex(({ body }) => body.includes('few'));
  assert.equal(place, 2, 'it comes after the one that ran and the first that waited');
});

test(
  'a request that waits past its timeout is refused, one whose client goes is forgotten',
  LIMIT,
  async () => {
    await using served = await serve({ max_concurrent_requests: '1' });
    const { server, engine } = served;
    await served.hold();
    const going = new AbortController();
    const gone = generate(server, 'llama', { text_input: 'gone' }, going.signal).catch(() => 'gone');
    await untilQueued(server, 1);
    going.abort();
    await untilQueued(server, 0);
    assert.equal(await gone, 'gone');
    await served.release();
    assert.equal((await generate(server, 'llama')).status, 200);
    assert.equal(
      engine.requests.some(({ body }) => body.includes('gone')),
      false,
    );
  },
);

function bearer(key: string): { authorization: string } {
  return { authorization: `Bearer ${key}` };
}

/** What stands for a key of `/v1`. */
function keyOf(key: string): string {
  return hash('sha256', bearer(key).authorization).slice(0, 16);
}

interface Served extends AsyncDisposable {
  readonly server: RunningServer;
  readonly engine: ScriptedEngine;
  /** Has a request take the only place, and keep it. */
  hold(): Promise<void>;
  /** Lets that go. */
  release(): Promise<void>;
}

async function serve(
  parameters: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<Served> {
  const engine = await startScriptedEngine();
  const repository = makeRepository();
  repository.write('llama', llmModel({ engine_url: engine.url, ...parameters }));
  const server = await startServer(repository.path, ...flags);
  const holding = new AbortController();
  let held: Promise<unknown> | undefined;
  return {
    server,
    engine,
    hold: async () => {
      await engine.set({ fault: 'silent', faultAfter: 0 });
      held = generate(server, 'llama', {}, holding.signal).catch(() => undefined);
      await engine.until(({ running }) => running === 1);
      await engine.set({});
    },
    release: async () => {
      holding.abort();
      await held;
    },
    [Symbol.asyncDispose]: async () => {
      holding.abort();
      await server[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
}

async function untilQueued(server: RunningServer, requests: number): Promise<void> {
  await until(async () =>
    (await metricValue(server, 'nereid_llm_queue_requests')) === requests ? true : undefined,
  );
}

async function statuses(answers: readonly Promise<Answer>[]): Promise<readonly number[]> {
  return (await Promise.all(answers)).map(({ status }) => status);
}
