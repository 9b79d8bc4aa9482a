import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openEngines, type ModelEngines } from './engine-pool.ts';
import { readEngineSettings } from './engine-settings.ts';
import type { EngineLease } from './engine.ts';
import { createTestModel } from './testing/test-context.ts';
import { absentEngine, answerJson, startTestEngine, type EngineBehaviour } from './testing/test-engine.ts';

/** Well, and serves these models; all else is answered with nothing. */
function serving(...models: readonly string[]): EngineBehaviour {
  return ({ path }, response) => {
    answerJson(response, path.endsWith('/v1/models') ? { data: models.map((id) => ({ id })) } : {});
  };
}

test("an engine is asked by the server's name for the model where it knows that", async () => {
  await using engine = await startTestEngine(serving('other', 'llama'));
  await using opened = await open({ engine_url: engine.engine.url.href });
  assert.equal((await opened.lease()).engine.modelName, 'llama');
});

test('or else by the first name that it lists, or by the one that is given', async () => {
  await using engine = await startTestEngine(serving('their-model', 'adapter'));
  const url = engine.engine.url.href;
  await using learnt = await open({ engine_url: url });
  assert.equal((await learnt.lease()).engine.modelName, 'their-model');
  await using given = await open({ engine_url: url, engine_model: 'given' });
  assert.equal((await given.lease()).engine.modelName, 'given');
});

test('the paths of an engine are below its URL', async () => {
  await using engine = await startTestEngine(serving('llama'));
  await using _ = await open({ engine_url: `${engine.engine.url.href}base/v1/` });
  assert.deepEqual(
    engine.seen.map(({ path }) => path),
    ['/base/health', '/base/v1/models'],
  );
});

test('a key file that is replaced is asked with from then on', async () => {
  await using engine = await startTestEngine(serving('llama'));
  using folder = createTestModel({ files: { key: 'first' } });
  const file = join(folder.versionDirectory, 'key');
  const parameters = { engine_url: engine.engine.url.href, engine_key_file: file };
  await using opened = await open({ ...parameters, health_interval_seconds: '0.1' });
  const { engine: asked } = await opened.lease();
  assert.deepEqual(asked.headers, { authorization: 'Bearer first' });
  writeFileSync(file, 'second');
  while (asked.headers['authorization'] !== 'Bearer second') await delay(10);
  assert.equal(engine.seen[0]?.headers.authorization, 'Bearer first');
});

test('a service without health serves from the beginning, by our name for the model', async () => {
  await using engine = await absentEngine();
  await using opened = await open({ engine: 'openai', engine_url: engine.engine.url.href });
  const lease = await opened.lease();
  assert.equal(lease.engine.modelName, 'llama');
  lease.release('failed', 0);
  assert.equal(opened.engines.isReady, false);
});

test('a request that fails on a service without health costs the others nothing', async () => {
  await using engine = await absentEngine();
  await using opened = await open({ engine: 'openai', engine_url: engine.engine.url.href });
  const [failing, other] = [await opened.lease(), await opened.lease()];
  let lost = '';
  other.onLost = (why) => (lost = why);
  failing.release('failed', 0);
  assert.equal(lost, '');
  other.release('done', 0);
});

test('an engine that is away does not hold up the load, and is told of', async () => {
  await using engine = await absentEngine();
  await using opened = await open({ engine_url: engine.engine.url.href });
  assert.equal(opened.engines.isReady, false);
  assert.equal(opened.engines.engineCount, 1);
  const warning = opened.model.logs.find(({ message }) => message.startsWith('none of'));
  assert.match(
    warning?.message ?? '',
    /^none of the engines 127\.0\.0\.1:\d+ can serve yet \(connect ECONNREFUSED [^)]+\): the model is not ready/,
  );
});

interface Opened extends AsyncDisposable {
  readonly engines: ModelEngines;
  readonly model: ReturnType<typeof createTestModel>;
  lease(): Promise<EngineLease>;
}

/** The engines of a model with these parameters. */
async function open(parameters: Readonly<Record<string, string>>): Promise<Opened> {
  const model = createTestModel({ parameters });
  const engines = await openEngines(model, await readEngineSettings(model));
  const need = { tokens: 1, clientKey: '', prefixes: [], not: new Set<never>(), deadline: undefined };
  return {
    engines,
    model,
    lease: () =>
      new Promise((resolve, reject) => {
        engines.acquire(need, (lease, refusal) => {
          if (lease === undefined) reject(refusal ?? new Error('no lease'));
          else resolve(lease);
        });
      }),
    [Symbol.asyncDispose]: async () => {
      await engines.close();
      model[Symbol.dispose]();
    },
  };
}
