import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadNativeModule } from './native-module.ts';

test('a machine without an addon is told how to get one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-no-addon-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const message =
    process.platform === 'win32'
      ? /there is no POSIX shared memory on Windows/
      : new RegExp(`no addon for ${process.platform}-${process.arch}: install a C\\+\\+17 compiler`);
  assert.throws(() => loadNativeModule(folder), {
    name: 'SharedMemoryError',
    code: 'ERR_UNSUPPORTED',
    message,
  });
});
