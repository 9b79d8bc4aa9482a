import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generate, hasBuf } from './generate.ts';

const COMMITTED = join(import.meta.dirname, '..', 'src', 'gen');

test(
  'the committed code is what the proto files give',
  { skip: hasBuf() ? false : 'buf cannot be run here' },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'generate-'));
    try {
      generate(folder);
      assert.deepEqual(readdirSync(folder).sort(), readdirSync(COMMITTED).sort());
      for (const name of readdirSync(folder)) {
        const generated = readFileSync(join(folder, name), 'utf8');
        assert.equal(
          generated,
          readFileSync(join(COMMITTED, name), 'utf8'),
          `${name}: run scripts/generate.ts`,
        );
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
