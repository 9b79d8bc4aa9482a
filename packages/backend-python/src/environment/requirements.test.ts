import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

test('packages beside them count by their files, but not what a build leaves there', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-local-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  };
  const content = async (): Promise<readonly string[]> =>
    (await readRequirements([join(directory, 'requirements.txt')])).content;
  write(
    'requirements.txt',
    './tool[extra]\n"wheels/a b.whl"\nx @ file:///nowhere/x.whl\n--find-links ./links\n',
  );
  for (const name of ['tool/setup.py', 'wheels/a b.whl', 'links/c.whl']) write(name, '1');
  let before = await content();
  for (const name of ['tool/setup.py', 'wheels/a b.whl', 'links/c.whl', 'links/new.whl']) {
    write(name, 'other');
    const after = await content();
    assert.notDeepEqual(after, before, name);
    before = after;
  }
  for (const name of [
    'tool/build/lib/x.py',
    'tool/tool.egg-info/PKG-INFO',
    'tool/__pycache__/x.pyc',
    'beside.py',
  ])
    write(name, '1');
  assert.deepEqual(await content(), before);
});

test('files that are referred to count, in a circle once', async (t) => {
  const { content } = await read(t, {
    'requirements.txt': '-r "one more.txt"\n--constraint=limits.txt\n',
    'one more.txt': 'idna\n-r requirements.txt\n',
    'limits.txt': 'idna<4\n',
  });
  assert.deepEqual(content.slice(2), [
    'one more.txt',
    'idna\n-r requirements.txt\n',
    'limits.txt',
    'idna<4\n',
  ]);
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
