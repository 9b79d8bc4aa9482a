/** How many models load at a time when a server starts. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createServer, type Server, type ServerOptions } from '@nereid/core';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';

const LIMIT = { timeout: 60_000 };

/** More than load at a time by the option's default. */
const MANY = 10;

/** Loads a model when as many have begun: none is ever loaded where fewer go on at a time. */
const TOGETHER = `
  const all = Promise.withResolvers();
  let begun = 0;
  export default {
    name: 'own',
    instanceHost: 'executor-thread',
    async createModel() {
      if (++begun === ${MANY}) all.resolve();
      await all.promise;
      return { createInstance: () => ({ execute() {} }) };
    },
  };
`;

/** Loads no model while as many load as may at a time. */
const CAPPED = `
  let loading = 0;
  export default {
    name: 'own',
    instanceHost: 'executor-thread',
    async createModel() {
      if (++loading > 4) throw new Error('too many at a time');
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      loading -= 1;
      return { createInstance: () => ({ execute() {} }) };
    },
  };
`;

/** Notes how many loads go on at the same time. */
const COUNTED = `
  export default {
    name: 'own',
    instanceHost: 'in-process',
    createModel: () => globalThis.countLoad(),
  };
`;

/** A backend `own`, in a folder beside the models. */
function writeBackend({ path }: TemporaryRepository, module: string): string {
  const folder = join(dirname(path), 'backends');
  const manifest = { name: 'own', entry: './backend.mjs', sdkVersion: '^0.1.0', stability: 'development' };
  mkdirSync(join(folder, 'own'), { recursive: true });
  writeFileSync(join(folder, 'own', 'backend.mjs'), module);
  writeFileSync(
    join(folder, 'own', 'package.json'),
    JSON.stringify({ name: 'own', version: '1.0.0', nereid: { backend: manifest } }),
  );
  return folder;
}

function writeModels(repository: TemporaryRepository, count: number, files = {}): void {
  for (let index = 0; index < count; index += 1) {
    const config = `backend: "own" instance_group { count: 1 kind: KIND_CPU }`;
    repository.write(`model_${index}`, { 'config.pbtxt': config, '1/.keep': '', ...files });
  }
}

function start(repository: TemporaryRepository, options: Partial<ServerOptions>): Promise<Server> {
  return createServer({ modelRepository: [repository.path], logInfo: false, logError: false, ...options });
}

/** The most loads that went on at the same time while a server started. */
async function mostAtATime(
  repository: TemporaryRepository,
  options: Partial<ServerOptions>,
): Promise<number> {
  let [running, most] = [0, 0];
  const countLoad = async (): Promise<unknown> => {
    most = Math.max(most, ++running);
    // All that may begin has begun when nothing else is left to do.
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    running -= 1;
    return { createInstance: () => ({ execute: () => {} }) };
  };
  Object.assign(globalThis, { countLoad });
  await using server = await start(repository, options);
  assert.equal(server.health.ready(), true);
  return most;
}

test(
  'small models that share threads load together, more of them than may load at a time',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    writeModels(repository, MANY);
    const backendDirectory = [writeBackend(repository, TOGETHER)];
    await using server = await start(repository, { backendDirectory, executorThreads: 1 });
    assert.equal(server.health.ready(), true);
  },
);

test('larger models that share threads load as many at a time as may', LIMIT, async () => {
  await using repository = makeRepository();
  writeModels(repository, MANY, { '1/weights': 'x'.repeat(1 << 20) });
  const backendDirectory = [writeBackend(repository, CAPPED)];
  await using server = await start(repository, { backendDirectory, executorThreads: 1 });
  assert.equal(server.health.ready(), true);
});

test('models that do not share threads load as many at a time as may', LIMIT, async () => {
  await using repository = makeRepository();
  writeModels(repository, MANY);
  const backendDirectory = [writeBackend(repository, COUNTED)];
  assert.equal(await mostAtATime(repository, { backendDirectory }), 4);
});

test('with a limit of one, models load one after the other', LIMIT, async () => {
  await using repository = makeRepository();
  writeModels(repository, MANY);
  const backendDirectory = [writeBackend(repository, COUNTED)];
  assert.equal(await mostAtATime(repository, { backendDirectory, modelLoadThreadCount: 1 }), 1);
});
