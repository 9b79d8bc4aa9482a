import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer, type ScriptedModel } from './testing/test-server.ts';

const PLAIN: ScriptedModel = { config: {}, execute: () => undefined };
const ADAPTED: ScriptedModel = {
  config: { parameters: { openai_adapters: { string_value: 'sql,poems' } } },
  execute: () => undefined,
};

interface ModelList {
  readonly object: string;
  readonly data: readonly { readonly id: string; readonly created: number }[];
}

interface Told {
  readonly id?: string;
  readonly error?: { readonly message: string; readonly code: string; readonly param: string };
}

async function listOf(url: string): Promise<ModelList> {
  return (await (await fetch(`${url}/v1/models`)).json()) as ModelList;
}

async function told(response: Response): Promise<Told> {
  return (await response.json()) as Told;
}

test('ready models and their adapters are listed', async () => {
  await using server = await startTestServer({ plain: PLAIN, llama: ADAPTED });
  const list = await listOf(server.url);
  assert.equal(list.object, 'list');
  const ids = list.data.map(({ id }) => id);
  assert.deepEqual(ids, ['plain', 'llama', 'llama:sql', 'llama:poems']);
  const [first] = list.data;
  assert.ok(first !== undefined);
  const { created, ...model } = first;
  assert.deepEqual(model, { id: 'plain', object: 'model', owned_by: 'nereid' });
  assert.ok(Math.abs(created - Date.now() / 1000) < 60);
});

test('the separator can be another one, or none', async () => {
  await using dashed = await startTestServer({ m: ADAPTED }, { 'lora-separator': '--' });
  await using none = await startTestServer({ m: ADAPTED }, { 'lora-separator': '' });
  assert.equal((await fetch(`${dashed.url}/v1/models/m--sql`)).status, 200);
  const list = await listOf(none.url);
  assert.equal(list.data.length, 1);
});

test('a model is shown by its name; an unknown one is not found', async () => {
  await using server = await startTestServer({ llama: ADAPTED });
  for (const [id, status] of [
    ['llama', 200],
    ['llama:sql', 200],
    ['llama:prose', 404],
    ['none', 404],
  ] as const) {
    const response = await fetch(`${server.url}/v1/models/${encodeURIComponent(id)}`);
    assert.equal(response.status, status);
    const json = await told(response);
    if (status === 200) assert.equal(json.id, id);
    else assert.deepEqual([json.error?.code, json.error?.param], ['model_not_found', 'model']);
  }
});

test('models are loaded and unloaded by name', async () => {
  await using server = await startTestServer({ m: PLAIN });
  const ask = async (action: string): Promise<number> =>
    (await fetch(`${server.url}/v1/models/m/${action}`, { method: 'POST' })).status;
  const isListed = async (): Promise<boolean> =>
    (await (await fetch(`${server.url}/v1/models`)).text()).includes('"m"');
  assert.deepEqual([await ask('unload'), await isListed()], [200, false]);
  assert.deepEqual([await ask('load'), await isListed()], [200, true]);
});

test("an unknown path is told in OpenAI's form", async () => {
  await using server = await startTestServer({});
  for (const method of ['GET', 'POST']) {
    const response = await fetch(`${server.url}/v1/audio/speech`, { method });
    assert.equal(response.status, 404);
    const { error } = await told(response);
    assert.deepEqual(
      [error?.message, error?.code],
      [`unknown path: ${method} /v1/audio/speech`, 'unknown_url'],
    );
  }
});
