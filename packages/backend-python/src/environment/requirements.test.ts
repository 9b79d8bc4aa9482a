import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readRequirements, type Requirements } from './requirements.ts';

/** Reads the first of the files, which lie in a new folder. */
async function read(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<Requirements & { readonly directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-requirements-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const [first = ''] = Object.keys(files);
  return { ...(await readRequirements([join(directory, first)])), directory };
}

test('the same requirements in two folders have the same content', async (t) => {
  const file = {
    'requirements.txt':
      '--index-url https://index.test/simple\nidna==3.10  # of ./old\nx @ https://a.test/x\n',
  };
  assert.deepEqual((await read(t, file)).content, (await read(t, file)).content);
});

test('requirements that name what lies beside them belong to their folder', async (t) => {
  for (const line of ['./tool', '-e .', 'wheels/a-1-py3-none-any.whl', 'a @ file:///a.zip', '../tool']) {
    const { content, directory } = await read(t, { 'requirements.txt': `idna\n${line}\n` });
    assert.equal(content[0], directory, line);
  }
});

test('files that are referred to count, in a circle once', async (t) => {
  const { content } = await read(t, {
    'requirements.txt': '-r more.txt\n--constraint=limits.txt\n',
    'more.txt': 'idna\n-r requirements.txt\n',
    'limits.txt': 'idna<4\n',
  });
  assert.deepEqual(content.slice(2), ['more.txt', 'idna\n-r requirements.txt\n', 'limits.txt', 'idna<4\n']);
});

test('a file that is missing is named together with the one that wants it', async (t) => {
  await assert.rejects(read(t, { 'requirements.txt': '-r more.txt\n' }), {
    code: 'INVALID_ARG',
    message: /can't read .*more\.txt, which .*requirements\.txt names: ENOENT/,
  });
});

test('hashes, a uv.lock and a pylock.toml lock the requirements', async (t) => {
  const isLocked = async (files: Readonly<Record<string, string>>): Promise<boolean> =>
    (await read(t, files)).isLocked;
  assert.equal(await isLocked({ 'requirements.txt': 'idna==3.10\n' }), false);
  assert.equal(await isLocked({ 'requirements.txt': 'idna==3.10 --hash=sha256:00\n' }), true);
  assert.equal(await isLocked({ 'pyproject.toml': '[project]\n' }), false);
  assert.equal(await isLocked({ 'pyproject.toml': '[project]\n', 'uv.lock': 'version = 1\n' }), true);
  assert.equal(await isLocked({ 'pylock.toml': 'lock-version = "1.0"\n' }), true);
});
