import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readManifestSettings, readOwnSettings } from './manifest-settings.ts';

const THREADS = { type: 'integer', minimum: 1, description: 'threads of a model' };

function read(settings: unknown) {
  return readManifestSettings({ name: 'forest', directory: '/forest', manifest: { settings } });
}

test('a backend without settings has none', () => {
  assert.deepEqual(readManifestSettings({ name: 'forest', directory: '/forest', manifest: {} }), {});
});

test('what is given is read by its type; what is not is its default, or null', () => {
  const specs = read({
    threads: THREADS,
    mode: { type: 'string', oneOf: ['fast', 'exact'], default: 'fast', description: 'how' },
    scale: { type: 'number', default: 0.5, description: 'by how much' },
    quiet: { type: 'boolean', default: true, description: 'whether it says less' },
  });
  const values = (settings: Readonly<Record<string, string>>) =>
    readOwnSettings({ backendName: 'forest', settings }, specs);
  assert.deepEqual(values({ interpreter: 'python3' }), {
    threads: null,
    mode: 'fast',
    scale: 0.5,
    quiet: true,
  });
  const given = { threads: '4', mode: 'exact', scale: '2', quiet: 'FALSE' };
  assert.deepEqual(values(given), { threads: 4, mode: 'exact', scale: 2, quiet: false });
  assert.throws(() => values({ threads: '0' }), {
    code: 'INVALID_ARG',
    message: "backend 'forest', setting 'threads': expected an integer of at least 1, found '0'",
  });
});

test('a setting that is declared wrongly is named with its field', () => {
  for (const [settings, message] of [
    [[], /\/forest\/package\.json: nereid\.backend\.settings: expected an object .*, found \[\]$/],
    [{ threads: 4 }, /settings\.threads: expected an object, found 4$/],
    [
      { threads: { ...THREADS, type: 'int' } },
      /settings\.threads\.type: expected one of integer, .* found "int"$/,
    ],
    [
      { threads: { ...THREADS, least: 1 } },
      /settings\.threads\.least: expected only default, minimum, maximum, .* found 1$/,
    ],
    [{ threads: { ...THREADS, minimum: '1' } }, /settings\.threads\.minimum: expected a number, found "1"$/],
    [
      { threads: { ...THREADS, default: 0 } },
      /settings\.threads\.default: expected a value within its own limits, found 0$/,
    ],
    [
      { threads: { type: 'integer' } },
      /settings\.threads\.description: expected a non-empty string, found null/,
    ],
    [{ interpreter: { type: 'string', description: 'x' } }, /settings\.interpreter: expected another name/],
  ] as const) {
    assert.throws(() => read(settings), { code: 'INVALID_ARG', message });
  }
});
