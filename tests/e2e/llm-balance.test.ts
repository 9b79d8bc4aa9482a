/** Several engines behind one model: who gets what, and what happens when one goes. The engines are scripted ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generate, llmModel, metricValue } from '../llm/llm-models.ts';
import { startScriptedEngine, type ScriptedEngine } from '../llm/scripted-engine.ts';
import { until } from '../llm/until.ts';
import { makeRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };

test('requests spread over the engines, a few at a time as well as many', LIMIT, async () => {
  await using served = await serve(3);
  for (let index = 0; index < 9; index++) await ask(served, `different ${index}`);
  assert.deepEqual(counts(served), [3, 3, 3]);
  await Promise.all(Array.from({ length: 30 }, (_, index) => ask(served, `more ${index}`)));
  // Some end before others come.
  assert.equal(
    counts(served).every((count) => count > 9),
    true,
    String(counts(served)),
  );
});

test('prompts that begin alike go to the engine that has seen the beginning', LIMIT, async () => {
  await using served = await serve(3);
  const document = 'A long document. '.repeat(200);
  await ask(served, `${document} What is it?`);
  for (let index = 0; index < 6; index++) await ask(served, `${document} Question ${index}`);
  assert.deepEqual(counts(served).toSorted(), [0, 0, 7]);
});

test('an engine that goes takes no request along that has not begun', LIMIT, async () => {
  await using served = await serve(3);
  const [first] = served.engines;
  await first?.kill();
  for (let index = 0; index < 6; index++) await ask(served, `different ${index}`);
  assert.equal(await upOf(served, 0), 0);
  assert.equal(counts(served)[0], 0);
  await first?.set({});
  await until(async () => ((await upOf(served, 0)) === 1 ? true : undefined));
  for (let index = 0; index < 6; index++) await ask(served, `others ${index}`);
  assert.equal((counts(served)[0] ?? 0) > 0, true);
});

test('an engine that is full sends its requests on to the others', LIMIT, async () => {
  await using served = await serve(2);
  await served.engines[0]?.set({ fault: 'status-429' });
  for (let index = 0; index < 6; index++) await ask(served, `different ${index}`);
  const failovers = await metricValue(served.server, 'nereid_llm_failovers_total');
  assert.equal((failovers ?? 0) > 0, true);
});

test('an engine that says it is not well gets nothing until it is', LIMIT, async () => {
  await using served = await serve(2);
  await served.engines[0]?.set({ fault: 'unhealthy' });
  await until(async () => ((await upOf(served, 0)) === 0 ? true : undefined));
  const before = counts(served)[0];
  for (let index = 0; index < 4; index++) await ask(served, `different ${index}`);
  assert.equal(counts(served)[0], before);
});

test('a model whose engines are all away is not ready, and is again when one comes', LIMIT, async () => {
  await using served = await serve(2);
  const { engines, server } = served;
  for (const engine of engines) await engine.kill();
  await until(async () => ((await isReady(server)) ? undefined : true));
  const waiting = generate(server, 'llama');
  await engines[1]?.set({});
  assert.equal((await waiting).status, 200);
  assert.equal(await isReady(server), true);
});

test('a model can be loaded before its engines run', LIMIT, async () => {
  const engine = await startScriptedEngine();
  await engine.kill();
  await using served = await serve(0, engine);
  assert.equal(await isReady(served.server), false);
  assert.match(served.server.output(), /none of the engines 127\.0\.0\.1:\d+ can serve yet/);
  await engine.set({});
  await until(async () => ((await isReady(served.server)) ? true : undefined));
  await ask(served, 'hello');
});

interface Served extends AsyncDisposable {
  readonly server: RunningServer;
  readonly engines: readonly ScriptedEngine[];
}

/** A server with a model `llama` over so many engines, and those that are given. */
async function serve(count: number, ...given: readonly ScriptedEngine[]): Promise<Served> {
  const started = await Promise.all(Array.from({ length: count }, () => startScriptedEngine()));
  const engines = [...given, ...started];
  const repository = makeRepository();
  const urls = engines.map(({ url }) => url).join(',');
  repository.write('llama', llmModel({ engine_url: urls, health_interval_seconds: '0.1' }));
  const server = await startServer(repository.path, '--exit-on-error=false');
  return {
    server,
    engines,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      for (const engine of engines) await engine[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
}

async function ask({ server }: Served, text: string): Promise<void> {
  const { status, text: answer } = await generate(server, 'llama', { text_input: text });
  assert.equal(status, 200, answer);
}

function counts({ engines }: Served): number[] {
  return engines.map(({ requests }) => requests.length);
}

async function upOf({ server, engines }: Served, index: number): Promise<number | undefined> {
  const { host } = new URL(engines[index]?.url ?? '');
  return metricValue(server, 'nereid_llm_engine_up', `engine_name="${host}"`);
}

async function isReady(server: RunningServer): Promise<boolean> {
  return (await fetch(`${server.http}/v2/models/llama/ready`)).status === 200;
}
