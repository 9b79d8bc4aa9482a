import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { frameworkVenv } from '../../python/venv.ts';
import { ROOT } from '../../server/start-server.ts';

test('the forest of the example answers as scikit-learn does', { timeout: 120_000 }, () => {
  const command = ['examples/06-forest/run.ts', `--python=${frameworkVenv('fil')}`];
  const output = execFileSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  assert.match(output, /^1[01]\d of 114 tumours are told right$/m);
  const difference = /largest difference from scikit-learn alone: (\S+)/.exec(output)?.[1];
  assert.ok(Number(difference) < 1e-6, output);
});
