import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { ExtensionManifest } from '../backend/extension-manifest.ts';
import { loadHttpPlugin, PluginRegistry } from './plugin-registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'nereid-plugins-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A module whose default export is this expression. */
function entryOf(name: string, expression: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, `export default ${expression};\n`);
  return pathToFileURL(file).href;
}

function manifest(name: string, init: Partial<ExtensionManifest> = {}): ExtensionManifest {
  return {
    kind: 'httpPlugin',
    name,
    packageName: `nereid-${name}`,
    packageVersion: '1.0.0',
    directory: folder,
    entry: `file:///${name}.js`,
    runtime: undefined,
    runtimeFile: undefined,
    fields: {},
    sdkVersion: '*',
    stability: 'beta',
    ...init,
  };
}

test('each plugin has the settings of its name', () => {
  const registry = new PluginRegistry([manifest('b'), manifest('a')], { b: { x: '1' } });
  assert.deepEqual(registry.sources(), [
    { name: 'a', entry: 'file:///a.js', settings: {} },
    { name: 'b', entry: 'file:///b.js', settings: { x: '1' } },
  ]);
});

test('settings of a plugin that is not installed are refused', () => {
  const registry = new PluginRegistry([manifest('a')], { opneai: { x: '1' } });
  assert.throws(() => registry.sources(), {
    code: 'INVALID_ARG',
    message:
      "--http-plugin-config=opneai,…: no installed package provides HTTP plugin 'opneai' (installed: a)",
  });
});

test('a plugin for another SDK is not used, and says why', () => {
  const registry = new PluginRegistry([manifest('a', { sdkVersion: '^9.0.0' })], {});
  assert.deepEqual(registry.sources(), []);
  const [status] = registry.status();
  assert.match(status?.problem?.message ?? '', /^HTTP plugin 'a' \(nereid-a 1\.0\.0\) needs Backend SDK \^9/);
});

test('a plugin is imported with its settings', async () => {
  const entry = entryOf('good', "{ name: 'good', settings: { x: { type: 'integer' } }, register() {} }");
  const loaded = await loadHttpPlugin({ name: 'good', entry, settings: { x: '1' } });
  assert.equal(loaded.plugin.name, 'good');
  assert.deepEqual(loaded.settings, { x: '1' });
});

test('a setting that a plugin does not have is refused', async () => {
  const entry = entryOf('strict', "{ name: 'strict', register() {} }");
  await assert.rejects(loadHttpPlugin({ name: 'strict', entry, settings: { x: '1' } }), {
    message: "HTTP plugin 'strict' has no setting 'x' (--http-plugin-config=strict,x=…): it has none",
  });
});

test('a wrong value of a setting is refused', async () => {
  const entry = entryOf('typed', "{ name: 'typed', settings: { x: { type: 'integer' } }, register() {} }");
  await assert.rejects(loadHttpPlugin({ name: 'typed', entry, settings: { x: 'a' } }), {
    message: "HTTP plugin 'typed', setting 'x': expected an integer, found 'a'",
  });
});

test('a module without a plugin is refused', async () => {
  const entry = entryOf('empty', '{}');
  await assert.rejects(loadHttpPlugin({ name: 'empty', entry, settings: {} }), {
    code: 'INVALID_ARG',
    message: /has no plugin as its default export/,
  });
});
