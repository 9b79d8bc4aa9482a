import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'node:test';

const REPORTER = pathToFileURL(join(import.meta.dirname, 'test-report.ts')).href;

test('tests are counted, suites are not, and the failed ones are shown', () => {
  const { lastLine, output, status } = reportOf(`
    import { describe, test } from 'node:test';
    test('good', () => {});
    describe('suite', () => {
      test('inner', () => {});
      test('bad', () => { throw new Error('what went wrong'); });
    });
    test('left out', { skip: true }, () => {});`);
  assert.equal(lastLine, '2 passed, 1 failed, 1 skipped');
  assert.match(output, /✖ bad \(.*\nError: what went wrong/);
  assert.doesNotMatch(output, /✖ suite/);
  assert.equal(status, 1);
});

test('a file that cannot be loaded is a failure', () => {
  const { lastLine, output } = reportOf(`import './missing.ts';`);
  assert.equal(lastLine, '0 passed, 1 failed, 0 skipped');
  assert.match(output, /ERR_MODULE_NOT_FOUND/);
});

/** What the reporter makes of a file of tests. */
function reportOf(text: string): { lastLine: string; output: string; status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'test-report-'));
  try {
    const file = join(folder, 'a.test.ts');
    writeFileSync(file, text);
    // Without this variable the inner runner would report to the outer one.
    const env = { ...process.env };
    delete env['NODE_TEST_CONTEXT'];
    const command = ['--test', `--test-reporter=${REPORTER}`, file];
    const { stdout, status } = spawnSync(process.execPath, command, { encoding: 'utf8', env });
    return { lastLine: stdout.trimEnd().split('\n').at(-1) ?? '', output: stdout, status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
