import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, readlinkSync, truncateSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SharedMemoryError } from './shared-memory-error.ts';
import type { SharedMemoryRegion } from './shared-memory-region.ts';
import { loadSharedMemory, type SharedMemory } from './shared-memory.ts';

const PAGE = 4096;
const ON_LINUX = process.platform === 'linux';
const MODULE = new URL('./shared-memory.ts', import.meta.url).href;

/** The addon, or undefined on a machine that could not build it. */
const memory = load();
const needed = { skip: memory === undefined && 'there is no addon for this machine' };
const onLinux = { skip: (!ON_LINUX && 'looks into /dev/shm') || needed.skip };

function load(): SharedMemory | undefined {
  try {
    return loadSharedMemory();
  } catch {
    return undefined;
  }
}

/** A new object, gone after the test. */
function create(
  t: TestContext,
  byteSize: number,
): { key: string; own: SharedMemoryRegion; all: SharedMemory } {
  assert.ok(memory !== undefined);
  const key = `/nereid-test-${randomUUID().slice(0, 8)}`;
  const own = memory.create(key, byteSize);
  t.after(() => {
    own.close();
    memory.unlink(key);
  });
  return { key, own, all: memory };
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof SharedMemoryError, String(error));
    return error.code;
  }
  return 'no error';
}

test('what one mapping writes, another sees', needed, (t) => {
  const { key, own, all } = create(t, 64);
  using other = all.open(key, { byteSize: 64 });
  own.bytes().set([1, 2, 3]);
  assert.deepEqual([...other.bytes(0, 4)], [1, 2, 3, 0]);
  other.bytes(2, 1).set([9]);
  assert.equal(own.bytes()[2], 9);
});

test('a region may begin anywhere in its object', needed, (t) => {
  const { key, own, all } = create(t, 3 * PAGE);
  using other = all.open(key, { offset: PAGE + 5, byteSize: 7 });
  own.bytes(PAGE + 5, 7).set([1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual([...other.bytes()], [1, 2, 3, 4, 5, 6, 7]);
});

test('a region ends with its object', needed, (t) => {
  const { key, all } = create(t, 64);
  assert.equal(
    codeOf(() => all.open(key, { byteSize: 65 })),
    'EOVERFLOW',
  );
  assert.equal(
    codeOf(() => all.open(key, { offset: 64, byteSize: 1 })),
    'EOVERFLOW',
  );
  assert.equal(
    codeOf(() => all.open(key, { offset: 65, byteSize: 1 })),
    'EOVERFLOW',
  );
  assert.equal(
    codeOf(() => all.open(key, { offset: 1, byteSize: Number.MAX_SAFE_INTEGER })),
    'EOVERFLOW',
  );
  assert.equal(
    codeOf(() => all.open(key, { byteSize: 0 })),
    'EINVAL',
  );
});

test('bytes are those of the region only', needed, (t) => {
  const { own } = create(t, 64);
  assert.equal(own.bytes(64).length, 0);
  assert.equal(
    codeOf(() => own.bytes(60, 5)),
    'EOVERFLOW',
  );
  assert.equal(
    codeOf(() => own.bytes(-1, 1)),
    'EOVERFLOW',
  );
  assert.equal(
    codeOf(() => own.bytes(65)),
    'EOVERFLOW',
  );
});

test('errors carry the name that the system has for them', needed, (t) => {
  const { key, all } = create(t, 64);
  assert.equal(
    codeOf(() => all.open('/nereid-test-absent', { byteSize: 1 })),
    'ENOENT',
  );
  assert.equal(
    codeOf(() => all.create(key, 64)),
    'EEXIST',
  );
  assert.equal(
    codeOf(() => all.unlink('/nereid-test-absent')),
    'ENOENT',
  );
  assert.equal(
    codeOf(() => all.open('/a/b', { byteSize: 1 })),
    ON_LINUX ? 'EINVAL' : 'ENOENT',
  );
  assert.throws(() => all.open('/nereid-test-absent', { byteSize: 1 }), /shm_open of '\/nereid-test-absent'/);
});

test('arguments of a wrong type are refused', needed, (t) => {
  const { key, all } = create(t, 64);
  assert.throws(() => all.open(key, { byteSize: -1 }), /argument 2 must be a non-negative integer/);
  assert.throws(() => all.open(key, { byteSize: 1.5 }), /argument 2 must be a non-negative integer/);
  assert.throws(() => all.unlink(7 as unknown as string), /argument 0 must be a string/);
});

test('after close every view is empty, and closing again is nothing', needed, (t) => {
  const { own } = create(t, 64);
  const view = own.bytes();
  own.close();
  own.close();
  assert.equal(view.length, 0);
  assert.equal(own.isIntact(), false);
  assert.equal(
    codeOf(() => own.bytes()),
    'ERR_CLOSED',
  );
});

test('a region outlives the name of its object', needed, (t) => {
  const { key, own, all } = create(t, 64);
  all.unlink(key);
  own.bytes().fill(7);
  assert.equal(own.isIntact(), true);
  assert.equal(own.bytes()[63], 7);
  all.create(key, 1).close();
});

test('writing to a region that may only be read reaches nobody', onLinux, (t) => {
  const { key, own, all } = create(t, 64);
  chmodSync(`/dev/shm${key}`, 0o400);
  using other = all.open(key, { byteSize: 64, access: 'read-only' });
  own.bytes()[0] = 5;
  assert.equal(other.bytes()[0], 5);
  assert.equal(other.handle.isWritable, false);
  other.bytes()[1] = 6;
  assert.equal(own.bytes()[1], 0);
});

test('an object that shrinks reads as zeros from there on, and is not intact', onLinux, (t) => {
  const { key, own, all } = create(t, 3 * PAGE);
  using other = all.open(key, { byteSize: 3 * PAGE });
  own.bytes().fill(1);
  truncateSync(`/dev/shm${key}`, PAGE);
  assert.equal(other.isIntact(), false);
  assert.deepEqual(
    [0, PAGE - 1, PAGE, 3 * PAGE - 1].map((at) => other.bytes()[at]),
    [1, 1, 0, 0],
  );
  other.bytes().fill(2);
  assert.equal(own.bytes()[0], 2);
});

test('a region that lost memory stays broken, even when its object grows again', onLinux, (t) => {
  const { key, all } = create(t, 2 * PAGE);
  using other = all.open(key, { byteSize: 2 * PAGE });
  truncateSync(`/dev/shm${key}`, 0);
  assert.equal(other.bytes()[0], 0);
  truncateSync(`/dev/shm${key}`, 2 * PAGE);
  assert.equal(other.isIntact(), false);
  using again = all.open(key, { byteSize: 2 * PAGE });
  assert.equal(again.isIntact(), true);
});

test('a SIGBUS that is not ours still ends the process', onLinux, () => {
  const script = `
    const { loadSharedMemory } = await import(${JSON.stringify(MODULE)});
    const memory = loadSharedMemory();
    const region = memory.create('/nereid-test-' + process.pid, 64);
    memory.unlink('/nereid-test-' + process.pid);
    process.kill(process.pid, 'SIGBUS');
    setInterval(() => {}, 1000);`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 });
  assert.equal(signal, 'SIGBUS');
});

test('another thread maps the same memory by its handle', needed, async (t) => {
  const { own, all } = create(t, 2 * PAGE);
  own.bytes()[PAGE] = 40;
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(${JSON.stringify(MODULE)}).then(({ loadSharedMemory }) => {
       const region = loadSharedMemory().attach(workerData);
       const bytes = region.bytes();
       bytes[${PAGE}] += 2;
       region.close();
       parentPort.postMessage(bytes.length);
     });`,
    { eval: true, workerData: own.handle },
  );
  assert.deepEqual(await once(worker, 'message'), [0]);
  assert.equal(own.bytes()[PAGE], 42);
  const { handle } = own;
  own.close();
  assert.equal(
    codeOf(() => all.attach(handle)),
    'EBADF',
  );
});

test('opening and closing many times leaves no mapping and no descriptor', onLinux, (t) => {
  const { key, all } = create(t, 4 * PAGE);
  const openAndClose = (): void => {
    using region = all.open(key, { byteSize: 4 * PAGE });
    assert.equal(region.bytes()[0], 0);
    assert.equal(
      codeOf(() => all.open(key, { byteSize: 5 * PAGE })),
      'EOVERFLOW',
    );
  };
  openAndClose();
  assert.deepEqual([mappingsOf(key), descriptorsOf(key)], [1, 1]);
  for (let round = 0; round < 2000; round += 1) openAndClose();
  assert.deepEqual([mappingsOf(key), descriptorsOf(key)], [1, 1]);
});

/** How often an object is mapped into this process. */
function mappingsOf(key: string): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(`/dev/shm${key}`)).length;
}

/** How many file descriptors of this process an object has. */
function descriptorsOf(key: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === `/dev/shm${key}`;
    } catch {
      // The one that the folder was read with.
      return false;
    }
  }).length;
}
