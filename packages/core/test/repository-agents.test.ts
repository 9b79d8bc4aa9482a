/** Repository agents of a folder, called while models are loaded and unloaded for real. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createServer } from '../src/create-server.ts';
import type { Server } from '../src/server.ts';

const TENSORS = `input [ { name: "X" data_type: TYPE_FP32 dims: [ 1 ] } ]
  output [ { name: "X_OUT" data_type: TYPE_FP32 dims: [ 1 ] } ]`;

/** Notes every call in a file; refuses, or moves the model, when its parameters say so. */
const AGENT = `
  import { appendFileSync, cpSync, writeFileSync } from 'node:fs';
  import { join } from 'node:path';
  const note = (call) => (model) =>
    appendFileSync(model.parameters.notes, model.parameters.as + ' ' + call + ' ' + model.directory + '\\n');
  export default {
    name: 'noting',
    async load(model) {
      note('load')(model);
      if (model.parameters.refuse) throw new Error(model.parameters.refuse);
      if (!model.parameters.move) return undefined;
      const directory = await model.makeDirectory();
      cpSync(model.directory, directory, { recursive: true });
      writeFileSync(join(directory, 'config.pbtxt'), model.parameters.move);
      return { directory };
    },
    loadComplete: note('loadComplete'),
    loadFail: note('loadFail'),
    unload: note('unload'),
    unloadComplete: note('unloadComplete'),
  };`;

let root = '';
let server: Server;

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), text);
}

/** Writes the configuration of model `m`, with one agent for each set of parameters. */
async function configure(agents: readonly Readonly<Record<string, string>>[]): Promise<void> {
  const texts = agents.map((given) => {
    const parameters = Object.entries({ ...given, notes: join(root, 'notes') })
      .map(([key, value]) => `parameters { key: "${key}" value: ${JSON.stringify(value)} }`)
      .join(' ');
    return `{ name: "noting" ${parameters} }`;
  });
  await write(
    'models/m/config.pbtxt',
    `backend: "identity" ${TENSORS} model_repository_agents { agents [ ${texts.join()} ] }`,
  );
}

/** The calls that agents got so far: by whom, what, and the last part of the folder's path. */
async function notes(): Promise<string[]> {
  const text = await readFile(join(root, 'notes'), 'utf8');
  return text.trim().split('\n');
}

const calls = async (): Promise<string[]> =>
  (await notes()).map((line) => line.split(' ').slice(0, 2).join(' '));

const load = (): Promise<void> => server.management.loadModel('m', {});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nereid-test-'));
  await write('models/m/1/weights', 'w');
  const repositoryAgent = { name: 'noting', entry: './agent.mjs', sdkVersion: '*' };
  await write('agents/noting/package.json', JSON.stringify({ nereid: { repositoryAgent } }));
  await write('agents/noting/agent.mjs', AGENT);
  server = await createServer({
    modelRepository: [join(root, 'models')],
    repoagentDirectory: join(root, 'agents'),
    modelControlMode: 'explicit',
    logError: false,
    logInfo: false,
  });
});

afterEach(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

test('agents are called in order, from the load until the model is freed', async () => {
  await configure([{ as: 'a' }, { as: 'b' }]);
  await load();
  assert.deepEqual(await calls(), ['a load', 'b load', 'a loadComplete', 'b loadComplete']);
  await server.close();
  assert.deepEqual((await calls()).slice(4), [
    'a unload',
    'b unload',
    'a unloadComplete',
    'b unloadComplete',
  ]);
});

test('an agent that refuses fails the load with its name and reason; those before it hear of it', async () => {
  await configure([{ as: 'a' }, { as: 'b', refuse: 'not signed' }, { as: 'c' }]);
  await assert.rejects(load(), {
    code: 'INVALID_ARG',
    message: /load failed for model 'm'.*repository agent 'noting' refused the model: not signed/,
  });
  assert.deepEqual(await calls(), ['a load', 'b load', 'a loadFail', 'b loadFail']);
});

test('an agent may put another folder in place of the model, which is deleted with it', async () => {
  const move = `backend: "identity" ${TENSORS} parameters { key: "moved" value { string_value: "yes" } }`;
  await configure([{ as: 'a', move }, { as: 'b' }]);
  await load();
  assert.equal(server.management.modelConfig('m', '').parameters['moved']?.string_value, 'yes');
  const [, second = ''] = await notes();
  const folder = second.split(' ')[2] ?? '';
  assert.ok(existsSync(join(folder, '1', 'weights')));
  await load();
  assert.equal((await calls()).filter((call) => call === 'a load').length, 1, 'it had not changed');
  await server.close();
  assert.ok(!existsSync(folder));
});

test('a model that fails to load after its agents accepted it leaves nothing behind', async () => {
  await configure([{ as: 'a', move: 'backend: "identity" max_batch_size: -1' }, { as: 'b' }]);
  await assert.rejects(load(), { code: 'INVALID_ARG', message: /max_batch_size/ });
  assert.deepEqual((await calls()).slice(2), ['a loadFail', 'b loadFail']);
  const folder = (await notes())[1]?.split(' ')[2] ?? '';
  assert.ok(!existsSync(folder));
});

test('an agent that is not installed fails the load by its name', async () => {
  await write(
    'models/m/config.pbtxt',
    `backend: "identity" ${TENSORS} model_repository_agents { agents [ { name: "other" } ] }`,
  );
  await assert.rejects(load(), { message: /unable to find repository agent 'other'.*installed: .*noting/ });
});
