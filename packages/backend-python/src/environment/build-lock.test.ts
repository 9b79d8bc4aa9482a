import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lockOrWait } from './build-lock.ts';

/** A lock that somebody has, of whom nothing more was heard. */
function heldLock(t: TestContext, holder: object) {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-lock-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'a.json');
  mkdirSync(`${path}.lock`);
  writeFileSync(`${path}.holder`, JSON.stringify(holder));
  return { folder, path };
}

const ended = spawnSync(process.execPath, ['-e', '']).pid;

test('a lock whose process has ended is taken, and leaves nothing when it is released', async (t) => {
  const { folder, path } = heldLock(t, { host: hostname(), process: ended });
  const release = await lockOrWait({ path, signal: AbortSignal.timeout(10_000), onWait: () => undefined });
  assert.ok(readdirSync(folder).length > 0);
  await release();
  assert.deepEqual(readdirSync(folder), []);
});

for (const [what, holder] of [
  ['that runs', { host: hostname(), process: process.pid }],
  ['of another machine', { host: `not-${hostname()}`, process: ended }],
] as const) {
  test(`the lock of a process ${what} is waited for`, async (t) => {
    const stopping = new AbortController();
    const onWait = (): void => stopping.abort(new Error('waited'));
    const { path } = heldLock(t, holder);
    await assert.rejects(lockOrWait({ path, signal: stopping.signal, onWait }), /waited/);
  });
}
