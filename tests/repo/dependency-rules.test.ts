import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findViolations } from '../../tools/dependency-rules/find-violations.ts';

test('a tree without forbidden imports has no violation', async () => {
  const found = await violationsOf({
    'core/src/service/a.ts': "import '../request/b.ts';",
    'core/src/request/b.ts': 'export const b = 1;',
    'core/src/create-server.ts': "import './service/a.ts'; import './repository/c.ts';",
    'core/src/repository/c.ts': 'export const c = 1;',
  });
  assert.deepEqual(found, []);
});

test('a cycle is caught', async () => {
  const found = await violationsOf({
    'core/src/scheduler/a.ts': "import './b.ts';",
    'core/src/scheduler/b.ts': "import './a.ts';",
  });
  assert.deepEqual(ruleNames(found), ['no cycle']);
});

test('a cycle of types alone is caught', async () => {
  const found = await violationsOf({
    'core/src/scheduler/a.ts': "import type { B } from './b.ts'; export interface A { b: B }",
    'core/src/scheduler/b.ts': "import type { A } from './a.ts'; export interface B { a: A }",
  });
  assert.deepEqual(ruleNames(found), ['no cycle']);
});

test('an import between folders of core that the table lacks is caught', async () => {
  const found = await violationsOf({
    'core/src/scheduler/a.ts': "import type { B } from '../instance/b.ts';",
    'core/src/instance/b.ts': 'export type B = 1;',
  });
  assert.deepEqual(found, [
    'core scheduler: packages/core/src/scheduler/a.ts → packages/core/src/instance/b.ts',
  ]);
});

test('a folder of core must not import the files that know all parts', async () => {
  const found = await violationsOf({
    'core/src/service/a.ts': "import '../create-server.ts';",
    'core/src/create-server.ts': 'export const b = 1;',
  });
  assert.deepEqual(ruleNames(found), ['core service']);
});

test('a folder of core that the table lacks is caught', async () => {
  const found = await violationsOf({
    'core/src/somewhere/a.ts': "import './b.ts';",
    'core/src/somewhere/b.ts': 'export const b = 1;',
  });
  assert.deepEqual(ruleNames(found), ['core has no such folder']);
});

test('core must not import a backend', async () => {
  const found = await violationsOf({
    'core/src/backend/a.ts': "import '../../../backend-onnx/dist/index.js';",
    'backend-onnx/dist/index.js': 'export default 1;',
  });
  assert.deepEqual(ruleNames(found), ['package core']);
});

test('a plugin of the HTTP endpoint must not import core or a backend, nor core the plugin', async () => {
  const found = await violationsOf({
    'openai/src/a.ts': "import '../../core/dist/index.js'; import '../../backend-vllm/dist/index.js';",
    'core/src/plugin/a.ts': "import '../../../openai/dist/index.js';",
    'core/dist/index.js': 'export const a = 1;',
    'backend-vllm/dist/index.js': 'export default 1;',
    'openai/dist/index.js': 'export default 1;',
  });
  assert.deepEqual(ruleNames(found).toSorted(), ['package core', 'package openai']);
});

test('a backend must not import core or another backend', async () => {
  const found = await violationsOf({
    'backend-onnx/src/a.ts':
      "import '../../core/dist/index.js'; import '../../backend-identity/dist/index.js';",
    'core/dist/index.js': 'export const a = 1;',
    'backend-identity/dist/index.js': 'export default 1;',
  });
  assert.deepEqual(ruleNames(found), ['package backend-*']);
  assert.equal(found.length, 2);
});

test("another package's sources must not be imported, not even by a test", async () => {
  const found = await violationsOf({
    'core/src/request/a.test.ts': "import '../../../protocol/src/b.ts';",
    'protocol/src/b.ts': 'export const b = 1;',
  });
  assert.deepEqual(ruleNames(found), ['no reaching in']);
});

test('a package that package.json does not name is caught', async () => {
  const found = await violationsOf({
    'client/package.json': '{ "name": "x", "dependencies": {} }',
    'client/src/a.ts': "import 'left-out';",
    'client/node_modules/left-out/package.json': '{ "name": "left-out", "main": "index.js" }',
    'client/node_modules/left-out/index.js': '',
  });
  assert.deepEqual(ruleNames(found), ['no undeclared dependency']);
});

/** Violations in a tree with these files below `packages`. */
async function violationsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'dependency-rules-')));
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = join(root, 'packages', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    return await findViolations(root, ['packages']);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function ruleNames(violations: readonly string[]): readonly string[] {
  return [...new Set(violations.map((violation) => violation.split(':')[0] ?? ''))];
}
