import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_SOURCE } from './config-source.ts';
import { selectVersions } from './version-policy.ts';

const AVAILABLE = [10, 1, 3];
const M = { modelName: 'm', source: NO_SOURCE };

test('selects the highest version without a policy', () => {
  assert.deepEqual(selectVersions(undefined, AVAILABLE, M), [10]);
});

test('selects as many of the highest versions as latest asks for', () => {
  assert.deepEqual(selectVersions({ latest: { num_versions: 2 } }, AVAILABLE, M), [3, 10]);
  assert.deepEqual(selectVersions({ latest: { num_versions: 9 } }, AVAILABLE, M), [1, 3, 10]);
  assert.deepEqual(selectVersions({ latest: { num_versions: 0 } }, AVAILABLE, M), [10]);
});

test('selects all versions in ascending order', () => {
  assert.deepEqual(selectVersions({ all: {} }, AVAILABLE, M), [1, 3, 10]);
});

test('selects the specific versions that are there', () => {
  assert.deepEqual(selectVersions({ specific: { versions: [10, 1, 7] } }, AVAILABLE, M), [1, 10]);
});

test('refuses a model of which no version is left', () => {
  const rule = "at least one version must be available under the version policy of model 'm'";
  assert.throws(() => selectVersions({ specific: { versions: [9] } }, [1], M), {
    code: 'INVALID_ARG',
    message: `${rule}: it asks for 9, found 1`,
  });
  assert.throws(() => selectVersions(undefined, [], M), {
    message: `${rule}: it asks for the latest 1, found no version folder`,
  });
});

test('tells the place of a policy that leaves no version', () => {
  const positions = new Map([['version_policy', { line: 3, column: 1 }]]);
  const source = { file: 'm/config.pbtxt', positions };
  assert.throws(() => selectVersions({ specific: { versions: [9] } }, [1], { modelName: 'm', source }), {
    message: /^m\/config\.pbtxt:3:1: at least one version must be available/,
  });
});
