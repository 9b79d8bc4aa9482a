import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MemorySharing } from '@nereid/backend-sdk';
import { SharedMemoryFiles, type MemoryPaths, type TensorMemory } from './shared-memory-files.ts';

const KIB = 1024;

const notShared = (): undefined => undefined;

function create(
  t: TestContext,
  shareMemory: TensorMemory['shareMemory'] = notShared,
): MemoryPaths & { readonly memory: SharedMemoryFiles } {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-memory-'));
  const paths = {
    inputs: join(folder, 'inputs'),
    outputs: join(folder, 'outputs'),
    progress: join(folder, 'progress'),
  };
  writeFileSync(paths.inputs, '');
  writeFileSync(paths.outputs, '');
  writeFileSync(paths.progress, Buffer.alloc(16));
  const memory = new SharedMemoryFiles(paths, { allocate: Buffer.alloc, shareMemory });
  t.after(() => {
    memory.close();
    rmSync(folder, { recursive: true });
  });
  return { memory, ...paths };
}

test('tensors of a frame lie one after the other at their place', (t) => {
  const { memory, inputs } = create(t);
  memory.put([Buffer.alloc(100 * KIB)], 100 * KIB);
  const place = memory.put([Buffer.from('one'), Buffer.from('two')], 6);
  assert.ok(place !== undefined && place >= 100 * KIB);
  assert.equal(readFileSync(inputs).toString('latin1', place, place + 6), 'onetwo');
});

test('a place is used again once it was given back, by what is no larger', (t) => {
  const { memory } = create(t);
  const first = memory.put([Buffer.alloc(100 * KIB)], 100 * KIB);
  const second = memory.put([Buffer.alloc(100 * KIB)], 100 * KIB);
  assert.ok(first !== undefined);
  assert.notEqual(second, first);
  memory.release(first);
  assert.notEqual(memory.put([Buffer.alloc(200 * KIB)], 200 * KIB), first);
  assert.equal(memory.put([Buffer.alloc(120 * KIB)], 120 * KIB), first);
});

test('the file reaches to the end of every place, so that it can be mapped', (t) => {
  const { memory, inputs } = create(t);
  memory.put([Buffer.alloc(129 * KIB)], 129 * KIB);
  assert.equal(readFileSync(inputs).length, 256 * KIB);
});

test('what the other side wrote is read as a copy', (t) => {
  const { memory, outputs } = create(t);
  writeFileSync(outputs, 'abcdef');
  let givenBack = 0;
  const taken = memory.take(2, 3, () => (givenBack += 1));
  assert.equal(givenBack, 1);
  writeFileSync(outputs, 'xxxxxx');
  assert.equal(taken.toString(), 'cde');
});

test('a place outside of the file is an error', (t) => {
  const { memory, outputs } = create(t);
  writeFileSync(outputs, 'abcdef');
  assert.throws(() => memory.take(4, 3, assert.fail), /place of 3 bytes at 4 lies outside/);
});

test('what a process left behind can be read when it has ended', (t) => {
  const { memory, progress } = create(t);
  assert.deepEqual(memory.readLegacy(), { lastBegun: 0, held: Buffer.alloc(0) });
  const numbers = Buffer.from(BigUint64Array.of(7n, 4n).buffer);
  writeFileSync(progress, Buffer.concat([numbers, Buffer.from('left and more')]));
  assert.deepEqual(memory.readLegacy(), { lastBegun: 7, held: Buffer.from('left') });
});

test('without room nothing is put', { skip: process.platform !== 'linux' && 'needs /dev/full' }, (t) => {
  const memory = new SharedMemoryFiles(
    { inputs: '/dev/full', outputs: '/dev/null', progress: '/dev/null' },
    { allocate: Buffer.alloc, shareMemory: notShared },
  );
  t.after(() => memory.close());
  assert.equal(memory.put([Buffer.alloc(KIB)], KIB), undefined);
});

const MIB = 1 << 20;

/** Maps nothing, but says what was wanted. */
function createSharing(): { mapped: string[]; gone: (() => void)[]; shareMemory: () => MemorySharing } {
  const mapped: string[] = [];
  const gone: (() => void)[] = [];
  const map = (offset: number, byteSize: number, onGone: () => void): Uint8Array<ArrayBuffer> => {
    mapped.push(`${offset}+${byteSize}`);
    gone.push(onGone);
    return new Uint8Array(byteSize).fill(7);
  };
  const sharing: MemorySharing = {
    locate: () => undefined,
    open: () => ({ map, close: () => undefined }),
    hold: () => undefined,
    release: () => undefined,
  };
  return { mapped, gone, shareMemory: () => sharing };
}

test('large outputs are mapped, and their place given back when nobody has them any more', (t) => {
  const { mapped, gone, shareMemory } = createSharing();
  const { memory, outputs } = create(t, shareMemory);
  writeFileSync(outputs, Buffer.alloc(2 * MIB));
  let givenBack = 0;
  const giveBack = (): void => void (givenBack += 1);
  memory.take(0, MIB - 1, giveBack);
  assert.equal(givenBack, 1, 'a smaller one is copied');
  assert.equal(memory.take(MIB, MIB, giveBack)[0], 7);
  assert.deepEqual(mapped, [`${MIB}+${MIB}`]);
  assert.equal(givenBack, 1);
  gone[0]?.();
  assert.equal(givenBack, 2);
});

test('what is mapped at a time has its limits; the others are copied', (t) => {
  const { mapped, gone, shareMemory } = createSharing();
  const { memory, outputs } = create(t, shareMemory);
  writeFileSync(outputs, Buffer.alloc(100 * MIB));
  let givenBack = 0;
  for (let at = 0; at < 3; at += 1) memory.take(0, 50 * MIB, () => (givenBack += 1));
  assert.equal(mapped.length, 2);
  assert.equal(givenBack, 1);
  for (let at = 0; at < 40; at += 1) memory.take(0, MIB, () => undefined);
  assert.ok(mapped.length <= 32, `${mapped.length} pieces`);
  for (const end of gone) end();
  memory.take(0, 50 * MIB, () => undefined);
  assert.equal(mapped.at(-1), `0+${50 * MIB}`, 'there is room again');
});
