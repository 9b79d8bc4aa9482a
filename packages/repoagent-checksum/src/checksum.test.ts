import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createModelConfig, type RepositoryAgentModel } from '@nereid/backend-sdk';
import agent from './index.ts';

const CONTENT = 'weights';
const digest = (algorithm: string): string => createHash(algorithm).update(CONTENT).digest('hex');

let directory = '';
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nereid-checksum-'));
  await mkdir(join(directory, '1'));
  await writeFile(join(directory, '1', 'model.bin'), CONTENT);
});
after(() => rm(directory, { recursive: true }));

async function load(parameters: Readonly<Record<string, string>>): Promise<void> {
  const silent = (): void => {};
  const model: RepositoryAgentModel = {
    modelName: 'm',
    directory,
    config: createModelConfig({ name: 'm' }),
    parameters,
    logger: { verbose: silent, info: silent, warning: silent, error: silent },
    makeDirectory: () => assert.fail('nothing is to be written'),
  };
  await agent.load(model);
}

test('accepts files with the right checksums, in digits of either case', async () => {
  await load({ 'MD5:1/model.bin': digest('md5'), 'SHA256:1/model.bin': digest('sha256').toUpperCase() });
});

test('refuses a wrong checksum with both', async () => {
  await assert.rejects(load({ 'MD5:1/model.bin': 'abc' }), {
    code: 'INVALID_ARG',
    message: new RegExp(`'1/model.bin' has the md5 checksum ${digest('md5')}, expected abc`),
  });
});

test('refuses a file that is missing or lies elsewhere', async () => {
  await assert.rejects(load({ 'MD5:1/other.bin': 'abc' }), {
    message: /'1\/other.bin' can't be read: ENOENT/,
  });
  for (const path of ['../x', '/etc/passwd', '1/../../x'])
    await assert.rejects(load({ [`MD5:${path}`]: 'abc' }), { message: /lies outside the model's folder/ });
});

test('refuses parameters it does not know', async () => {
  for (const key of ['CRC:1/model.bin', 'MD5:', 'MD5'])
    await assert.rejects(load({ [key]: 'abc' }), { message: /expected 'MD5:<file>' or 'SHA256:<file>'/ });
});
