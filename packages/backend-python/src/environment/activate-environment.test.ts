import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { activatedVariables } from './activate-environment.ts';

/** An environment whose `bin/activate` is this script. */
function activate(t: TestContext, script?: string): Promise<Readonly<Record<string, string>>> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid activate '));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'bin'));
  if (script !== undefined) writeFileSync(join(directory, 'bin/activate'), script);
  return activatedVariables(directory, new AbortController().signal);
}

test('what bin/activate sets is found, and no more', async (t) => {
  const script =
    'export DATA_FOLDER="a folder"\nexport PATH="/extra:$PATH"\nexport ARGUMENTS="$#"\nPS1=new\nhidden=1\necho "{ said }"\n';
  assert.deepEqual(await activate(t, script), {
    DATA_FOLDER: 'a folder',
    ARGUMENTS: '0',
    PATH: `/extra:${process.env['PATH']}`,
  });
});

test('an environment without bin/activate sets nothing', async (t) => {
  assert.deepEqual(await activate(t), {});
});

test('a script that fails is named, with what it said', async (t) => {
  await assert.rejects(activate(t, 'echo no data >&2\nexit 3\n'), {
    code: 'INVALID_ARG',
    message: /bin\/activate failed: no data/,
  });
});
