import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Backend } from '@nereid/backend-sdk';
import { createPythonBasedBackend } from './python-based-backend.ts';

const directory = mkdtempSync(join(tmpdir(), 'nereid-python-based-'));
after(() => rmSync(directory, { recursive: true }));
writeFileSync(join(directory, 'model.py'), '');

function create(manifest: Readonly<Record<string, unknown>> = {}): Backend {
  return createPythonBasedBackend({ name: 'forest', directory, manifest });
}

test('a folder without a manifest has a name and no formats', () => {
  const { name, platform, defaultModelFilename, otherFormats } = create();
  assert.deepEqual(
    [name, platform, defaultModelFilename, otherFormats],
    ['forest', undefined, undefined, []],
  );
});

test('the manifest says which formats it takes, the first one being its own', () => {
  const other = { defaultModelFilename: 'b' };
  const backend = create({
    name: 'forest',
    runtime: 'python',
    formats: [{ platform: 'p', defaultModelFilename: 'a' }, other],
    defaultInstanceCount: 2,
  });
  assert.deepEqual(
    [backend.platform, backend.defaultModelFilename, backend.otherFormats, backend.defaultInstanceCount],
    ['p', 'a', [other], 2],
  );
});

test('its instances go to GPUs where there are, as those of Python models, unless the manifest says otherwise', () => {
  assert.equal(create().automaticKind, 'KIND_GPU');
  assert.equal(create({ automaticKind: 'KIND_CPU' }).automaticKind, 'KIND_CPU');
});

test('its settings are those of the manifest and of every Python model', () => {
  const threads = { type: 'integer', minimum: 1, description: 'threads of a model' };
  const { settings = {} } = create({ settings: { threads } });
  assert.deepEqual(settings['threads'], threads);
  assert.equal(settings['interpreter']?.default, 'python3');
});

test('wrong fields of the manifest are named with the file', () => {
  for (const [manifest, message] of [
    [
      { model: 'none.py' },
      /package\.json: nereid\.backend\.model: expected a file that is there .*"none\.py"$/,
    ],
    [{ model: 5 }, /nereid\.backend\.model: expected a non-empty string, found 5$/],
    [
      { formats: [{ platform: '' }] },
      /nereid\.backend\.formats: expected a list of objects .*\[\{"platform":""\}\]$/,
    ],
    [{ formats: 'model.pt' }, /nereid\.backend\.formats: expected a list/],
    [{ automaticKind: 'GPU' }, /nereid\.backend\.automaticKind: expected KIND_CPU or KIND_GPU, found "GPU"$/],
    [
      { defaultInstanceCount: 0 },
      /nereid\.backend\.defaultInstanceCount: expected a whole number above 0, found 0$/,
    ],
    [
      { format: [] },
      /nereid\.backend\.format: expected one of model, formats, defaultInstanceCount, automaticKind, settings as further field, found \[\]$/,
    ],
  ] as const) {
    assert.throws(() => create(manifest), { code: 'INVALID_ARG', message });
  }
});
