import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import { readLabels } from './labels.ts';

async function createFolder(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'labels-'));
  t.after(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'labels.txt'), text);
  return directory;
}

const CONFIG = createModelConfig({
  name: 'm',
  output: [{ name: 'A', label_filename: 'labels.txt' }, { name: 'B' }],
});

test('reads one label a line for the outputs that have a label file', async (t) => {
  const directory = await createFolder(t, 'one\ntwo words\n\nfour\n');
  assert.deepEqual([...(await readLabels(CONFIG, directory))], [['A', ['one', 'two words', '', 'four']]]);
});

test('reads lines that end as on Windows, and a last line without an end', async (t) => {
  const directory = await createFolder(t, 'one\r\ntwo');
  assert.deepEqual((await readLabels(CONFIG, directory)).get('A'), ['one', 'two']);
});

test('names the file that is not there', async (t) => {
  const directory = await createFolder(t, '');
  const config = createModelConfig({ name: 'm', output: [{ name: 'A', label_filename: 'absent.txt' }] });
  await assert.rejects(readLabels(config, directory), {
    code: 'INTERNAL',
    message: 'failed to open text file for read m/absent.txt: No such file or directory',
  });
});
