import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repositoriesIn } from './boot-ahead.ts';
import { hasEntries } from '../repository/has-entries.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-ahead-'));
after(() => rmSync(FOLDER, { recursive: true }));

test('repositories are seen on a command line before it is parsed', () => {
  for (const [args, expected] of [
    [
      ['serve', '--model-repository=a', '--http-port=1', '--model-store', 'b'],
      ['a', 'b'],
    ],
    [['serve', '--model-repository'], ['']],
    [['serve', 'a', '--http-port', 'b'], ['a']],
    [['serve', '--model-repository-x=a'], []],
    [['backends', '--model-repository=a'], []],
    [[], []],
  ] as const) {
    assert.deepEqual(repositoriesIn(args), expected);
  }
});

test('a repository has entries, or not, or is not there', () => {
  assert.equal(hasEntries(FOLDER), false);
  assert.equal(hasEntries(join(FOLDER, 'none')), false);
  mkdirSync(join(FOLDER, 'model'));
  assert.equal(hasEntries(FOLDER), true);
});
