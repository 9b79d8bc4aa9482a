import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './package-manifest.ts';

const SOURCES = '{packages,tests,tools,bench,examples}/**/*.{ts,mjs,cjs,py,proto}';
const GENERATED = ['**/node_modules/**', '**/dist/**', 'packages/protocol/src/gen/**'];
/** Something left to do, without `(#123)` behind it. Spelled so that this line is none. */
const BARE = /\b(?:TO[D]O|FIX[M]E|XX[X])\b(?!\(#\d+\))/;

test('what is left to do names its issue', () => {
  const found = globSync(SOURCES, { cwd: ROOT, exclude: GENERATED }).flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (BARE.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(found, []);
});
