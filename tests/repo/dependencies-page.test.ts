import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishedPackages, ROOT } from './package-manifest.ts';

/** Rows of the table: | package | used by | why |. */
const ROWS = [
  ...readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8').matchAll(/^\| `(.+?)` \| (.+?) \| (.+) \|$/gm),
];

test('docs/dependencies.md lists every runtime dependency, its users and its reason, and nothing else', () => {
  const listed = ROWS.map(([, name = '', users = '']) => `${name}: ${users}`);
  assert.deepEqual(listed, usedDependencies());
});

test('every reason in docs/dependencies.md says something', () => {
  for (const [, name, , reason = ''] of ROWS)
    assert.ok(reason.split(' ').length >= 5, `reason of ${name}: ${reason}`);
});

/** `dependency: packages that use it`, in alphabetical order. */
function usedDependencies(): readonly string[] {
  const users = new Map<string, string[]>();
  for (const { name, dependencies } of publishedPackages()) {
    for (const dependency of Object.keys(dependencies).filter((key) => !key.startsWith('@nereid/'))) {
      users.set(dependency, [...(users.get(dependency) ?? []), name.replace('@nereid/', '')]);
    }
  }
  return [...users].map(([dependency, names]) => `${dependency}: ${names.join(', ')}`).sort();
}
