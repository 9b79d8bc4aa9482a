import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRequest } from '../../test/build-request.ts';
import { ManualClock } from '../scheduler/manual-clock.ts';
import { ModelStatistics } from '../telemetry/statistics.ts';
import type { BatchSink, HostedInstance } from './instance-host.ts';
import { InstancePool } from './instance-pool.ts';

const TIMES = { inputNs: 0, inferNs: 0, outputNs: 0 };

/** An instance that does nothing until the test says so. */
class FakeInstance implements HostedInstance {
  isClosed = false;
  takesNext = false;
  /** Of the batch that it got last. */
  sink: BatchSink | undefined;

  execute(_requests: unknown, sink: BatchSink): void {
    this.sink = sink;
  }

  isReady(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function poolOf(
  instances: readonly FakeInstance[],
  decoupled = false,
  clock = new ManualClock(),
): InstancePool {
  const statistics = new ModelStatistics({ model: 'm', version: '1', tags: {}, responseCache: false });
  return new InstancePool(instances, { statistics, clock, decoupled });
}

const batch = () => ({ requests: [buildRequest().request], size: 1 });

test('an idle instance that is removed is closed at once', async () => {
  const [first, second] = [new FakeInstance(), new FakeInstance()];
  const pool = poolOf([first, second]);
  await pool.remove(new Set([first]));
  assert.ok(first.isClosed);
  assert.deepEqual([pool.idleCount, pool.instanceCount], [1, 1]);
  pool.run(batch(), 0);
  assert.ok(second.sink);
});

test('a busy instance that is removed ends its batch first, and gets no other', async () => {
  const [first, second] = [new FakeInstance(), new FakeInstance()];
  const pool = poolOf([first, second]);
  pool.run(batch(), 0);
  const removed = pool.remove(new Set([first]));
  assert.deepEqual([pool.idleCount, pool.instanceCount], [1, 1]);
  let idles = 0;
  pool.onIdle = () => (idles += 1);
  first.sink?.onResponse(0, undefined, true);
  assert.equal(first.isClosed, false);
  first.sink?.onDone(TIMES, false);
  await removed;
  assert.ok(first.isClosed);
  assert.deepEqual([pool.idleCount, idles], [1, 0]);
});

test('an instance of a decoupled model answers its requests to the end before it goes', async () => {
  const first = new FakeInstance();
  const pool = poolOf([first], true);
  pool.run(batch(), 0);
  first.sink?.onDone(TIMES, false);
  const removed = pool.remove(new Set([first]));
  await Promise.resolve();
  assert.equal(first.isClosed, false);
  first.sink?.onResponse(0, undefined, true);
  await removed;
  assert.ok(first.isClosed);
});

test('an added instance takes what waits', () => {
  const pool = poolOf([]);
  const added = new FakeInstance();
  pool.onIdle = () => pool.run(batch(), 0);
  pool.add([added]);
  assert.ok(added.sink);
  assert.equal(pool.idleCount, 0);
});

test('closing the pool closes instances that are on their way out', async () => {
  const first = new FakeInstance();
  const pool = poolOf([first]);
  pool.run(batch(), 0);
  void pool.remove(new Set([first]));
  await pool.close();
  assert.ok(first.isClosed);
});

test('of the instances that take another batch, the one with the fewest gets it', () => {
  const [first, second, third] = [new FakeInstance(), new FakeInstance(), new FakeInstance()];
  const pool = poolOf([first, second, third]);
  for (const index of [0, 1, 2]) pool.run(batch(), index);
  assert.equal(pool.claimAhead(), undefined);
  first.takesNext = true;
  second.takesNext = true;
  assert.equal(pool.claimAhead(), 0);
  pool.run(batch(), 0);
  assert.equal(pool.claimAhead(), 1);
  assert.throws(() => pool.run(batch(), 2), /instance 2 can't take the batch/);
});

test('a batch that was handed over early starts when the one before it is done', () => {
  const instance = new FakeInstance();
  const clock = new ManualClock();
  const pool = poolOf([instance], false, clock);
  const idle: number[] = [];
  pool.onIdle = () => idle.push(pool.idleCount);
  const [{ request: one }, { request: two }] = [buildRequest(), buildRequest()];
  pool.run({ requests: [one], size: 1 }, 0);
  const { sink: firstSink } = instance;
  instance.takesNext = true;
  pool.run({ requests: [two], size: 1 }, 0);
  clock.advance(500);
  firstSink?.onDone(TIMES, false);
  assert.equal(two.times.started, one.times.started + 500);
  instance.sink?.onDone(TIMES, false);
  assert.deepEqual(idle, [0, 1]);
});
