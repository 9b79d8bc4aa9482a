import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError, type StatusCode } from '@nereid/protocol';
import { FakeRegionMemory } from '../../test/fake-region-memory.ts';
import type { RegionPlace } from './region-memory.ts';
import { SharedMemoryRegistry } from './shared-memory-registry.ts';

const REGION = { name: 'r', key: '/k', offset: 0, byteSize: 64 };
const ALL = { region: 'r', offset: 0, byteSize: 64 };

function setUp({ isAllowed = true, isWritable = true } = {}) {
  const opened: FakeRegionMemory[] = [];
  const open = (place: RegionPlace): FakeRegionMemory => {
    const memory = new FakeRegionMemory(place, isWritable);
    opened.push(memory);
    return memory;
  };
  return { registry: new SharedMemoryRegistry({ isAllowed, open }), opened };
}

/** A registry that can't map anything, for a reason with a name. */
function failing(code: string): SharedMemoryRegistry {
  const open = (): never => {
    throw Object.assign(new Error('the reason'), { code });
  };
  return new SharedMemoryRegistry({ isAllowed: true, open });
}

function fails(action: () => unknown, code: StatusCode, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof InferenceServerError);
    assert.match(error.message, message);
    assert.equal(error.code, code);
    return true;
  });
}

test('lists what was registered, until it is unregistered', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  registry.registerSystem({ ...REGION, name: 's', offset: 8, byteSize: 8 });
  assert.deepEqual(registry.systemStatus('r'), [REGION]);
  assert.equal(registry.systemStatus('').length, 2);
  registry.unregisterSystem('r');
  assert.deepEqual(
    registry.systemStatus('').map(({ name }) => name),
    ['s'],
  );
  assert.deepEqual(
    opened.map(({ closed }) => closed),
    [1, 0],
  );
});

test('unregisters all regions by an empty name, and unknown ones without an error', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  registry.registerSystem({ ...REGION, name: 's' });
  registry.unregisterSystem('nobody');
  assert.equal(registry.systemStatus('').length, 2);
  registry.unregisterSystem('');
  assert.deepEqual(registry.systemStatus(''), []);
  assert.deepEqual(
    opened.map(({ closed }) => closed),
    [1, 1],
  );
});

test('a name can be registered once', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  fails(() => registry.registerSystem(REGION), 'ALREADY_EXISTS', /'r' already in manager/);
  assert.equal(opened.length, 1);
});

test('the status of an unknown region is an error', () => {
  const { registry } = setUp();
  fails(() => registry.systemStatus('x'), 'NOT_FOUND', /system shared memory region: 'x'/);
  fails(() => registry.cudaStatus('x'), 'NOT_FOUND', /cuda shared memory region: 'x'/);
});

for (const key of [
  '',
  '/',
  '///',
  '/triton_python_backend_shm_region_1',
  'triton_python_backend_shm_region_1',
]) {
  test(`the key '${key}' is refused before anything is opened`, () => {
    const { registry, opened } = setUp();
    fails(
      () => registry.registerSystem({ ...REGION, key }),
      'INVALID_ARG',
      /cannot register .* 'r' with key/,
    );
    assert.equal(opened.length, 0);
  });
}

for (const [reason, code, message] of [
  ['ENOENT', 'INTERNAL', /Unable to open shared memory region: '\/k': the reason/],
  ['EACCES', 'INTERNAL', /Unable to open shared memory region: '\/k'/],
  ['EOVERFLOW', 'INVALID_ARG', /failed to register shared memory region 'r': invalid args: the reason/],
  ['EINVAL', 'INVALID_ARG', /failed to register shared memory region 'r': invalid args/],
  ['ERR_UNSUPPORTED', 'UNSUPPORTED', /can't register shared memory region 'r': the reason/],
] as const) {
  test(`${reason} while a region is mapped is ${code} to the client`, () => {
    const registry = failing(reason);
    fails(() => registry.registerSystem(REGION), code, message);
    assert.deepEqual(registry.systemStatus(''), []);
  });
}

test('when clients may not, registering and unregistering say what would allow it; status works', () => {
  const { registry, opened } = setUp({ isAllowed: false });
  const hint = /--allow-client-shm=true/;
  fails(() => registry.registerSystem(REGION), 'UNSUPPORTED', hint);
  fails(() => registry.unregisterSystem('r'), 'UNSUPPORTED', hint);
  fails(() => registry.unregisterSystem(''), 'UNSUPPORTED', hint);
  fails(() => registry.registerCuda({ name: 'c', deviceId: 0, byteSize: 1 }), 'UNSUPPORTED', hint);
  fails(() => registry.unregisterCuda('c'), 'UNSUPPORTED', hint);
  assert.deepEqual(registry.systemStatus(''), []);
  assert.deepEqual(registry.cudaStatus(''), []);
  assert.equal(opened.length, 0);
});

test('CUDA regions are refused as by a server without GPUs', () => {
  const { registry } = setUp();
  fails(
    () => registry.registerCuda({ name: 'c', deviceId: 0, byteSize: 1 }),
    'INVALID_ARG',
    /'c', GPUs not supported/,
  );
  registry.unregisterCuda('c');
  assert.deepEqual(registry.cudaStatus(''), []);
});

test('a region that a request uses is unmapped when the request ends', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  const lease = registry.lease();
  lease.bytes(ALL);
  lease.bytes(ALL);
  registry.unregisterSystem('r');
  registry.unregisterSystem('r');
  assert.equal(opened[0]?.closed, 0);
  assert.deepEqual(registry.systemStatus('r'), [REGION]);
  fails(() => registry.registerSystem(REGION), 'ALREADY_EXISTS', /'r'/);
  fails(() => registry.lease().bytes(ALL), 'NOT_FOUND', /Unable to find shared memory region: 'r'/);
  lease.release();
  lease.release();
  assert.equal(opened[0]?.closed, 1);
  assert.deepEqual(registry.systemStatus(''), []);
  registry.registerSystem(REGION);
});

test('a region that several requests use waits for the last of them', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  const [first, second] = [registry.lease(), registry.lease()];
  first.bytes(ALL);
  second.bytes(ALL);
  registry.close();
  first.release();
  assert.equal(opened[0]?.closed, 0);
  second.release();
  assert.equal(opened[0]?.closed, 1);
});

test('a request that ended leaves a registered region mapped', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  const lease = registry.lease();
  lease.bytes(ALL);
  lease.release();
  assert.equal(opened[0]?.closed, 0);
});

test('bytes are those of the memory, not a copy', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  const lease = registry.lease();
  const bytes = lease.bytes({ region: 'r', offset: 8, byteSize: 4 });
  assert.equal(bytes.buffer, opened[0]?.buffer);
  assert.deepEqual([bytes.byteOffset, bytes.byteLength], [8, 4]);
  assert.equal(lease.regionOf(bytes)?.fields, REGION);
  assert.equal(lease.regionOf(new Uint8Array(4)), undefined);
});

for (const [offset, byteSize] of [
  [64, 1],
  [0, 65],
  [60, 5],
  [-1, 2],
  [0, -1],
  [Number.MAX_SAFE_INTEGER, 1],
] as const) {
  test(`offset ${offset} and size ${byteSize} are outside of a region of 64 bytes`, () => {
    const { registry } = setUp();
    registry.registerSystem(REGION);
    const lease = registry.lease();
    fails(
      () => lease.bytes({ region: 'r', offset, byteSize }),
      'INVALID_ARG',
      /Invalid offset \+ byte size for shared memory region: 'r'/,
    );
    lease.release();
  });
}

test('a region that lost memory is of no use, before and after', () => {
  const { registry, opened } = setUp();
  registry.registerSystem(REGION);
  const lease = registry.lease();
  lease.bytes(ALL);
  lease.assertIntact();
  for (const memory of opened) memory.intact = false;
  fails(() => lease.assertIntact(), 'INVALID_ARG', /region 'r' has lost memory: its object '\/k'/);
  fails(() => registry.lease().bytes(ALL), 'INVALID_ARG', /register it again/);
});

test('an output needs the right to write', () => {
  const { registry } = setUp({ isWritable: false });
  registry.registerSystem(REGION);
  const lease = registry.lease();
  assert.equal(lease.bytes(ALL).length, 64);
  fails(() => lease.writableBytes(ALL), 'INVALID_ARG', /region 'r' can't take an output/);
});
