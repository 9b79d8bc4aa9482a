import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdmissionQueue, type QueueLimits, type Waiting } from './admission-queue.ts';

interface Named extends Waiting {
  readonly name: string;
}

const WIDE: QueueLimits = { requests: 1000, tokens: 0 };

test('requests of one key keep their order', () => {
  const queue = fill(WIDE, ['a', 'a', 'a'], 10);
  assert.deepEqual(drain(queue), ['a0', 'a1', 'a2']);
});

test('a key that comes late with little is not behind all of one that has much', () => {
  const queue = fill(WIDE, ['a', 'a', 'a', 'a', 'b', 'b'], 10);
  assert.deepEqual(drain(queue), ['a0', 'b0', 'a1', 'b1', 'a2', 'a3']);
});

test('shares are of tokens, not of requests', () => {
  const queue = new AdmissionQueue<Named>(WIDE);
  for (let index = 0; index < 3; index++) queue.offer(request('large', index, 100));
  for (let index = 0; index < 6; index++) queue.offer(request('small', index, 50));
  const first = drain(queue).slice(0, 6);
  assert.deepEqual(
    first.filter((name) => name.startsWith('small')),
    ['small0', 'small1', 'small2', 'small3'],
  );
});

test('a key that was served while others waited does not come first again', () => {
  const queue = fill(WIDE, ['a', 'b', 'b'], 10);
  assert.equal(queue.next(() => true)?.name, 'a0');
  queue.offer(request('a', 1, 10));
  assert.deepEqual(drain(queue), ['b0', 'b1', 'a1']);
});

test('a retry comes before what waits', () => {
  const queue = fill(WIDE, ['a', 'a'], 10);
  queue.offer({ ...request('b', 0, 1000), isRetry: true });
  assert.equal(drain(queue)[0], 'b0');
});

test('one that no free engine may have does not hold up those behind it', () => {
  const queue = fill(WIDE, ['a', 'a', 'b'], 10);
  assert.equal(queue.next(({ name }) => name !== 'a0')?.name, 'b0');
  assert.equal(queue.next(({ name }) => name !== 'a0')?.name, 'a1');
  assert.equal(
    queue.next(({ name }) => name !== 'a0'),
    undefined,
  );
  assert.equal(queue.size, 1);
});

test('what was given up costs its key nothing', () => {
  const queue = fill(WIDE, ['a', 'b'], 10);
  const given = request('a', 9, 1000);
  queue.offer(given);
  assert.equal(queue.remove(given), true);
  assert.equal(queue.remove(given), false);
  queue.offer(request('a', 1, 10));
  queue.offer(request('b', 1, 15));
  assert.deepEqual(drain(queue), ['a0', 'b0', 'a1', 'b1']);
});

test('a full queue refuses who holds its share', () => {
  const queue = fill({ requests: 4, tokens: 0 }, ['a', 'a', 'b', 'b'], 10);
  assert.deepEqual(queue.offer(request('a', 2, 10)), { isTaken: false, evicted: [] });
  assert.equal(queue.size, 4);
});

test('who holds less than a share gets in, and the newest of the largest key goes', () => {
  const queue = fill({ requests: 4, tokens: 0 }, ['a', 'a', 'a', 'b'], 10);
  const { isTaken, evicted } = queue.offer(request('c', 0, 10));
  assert.equal(isTaken, true);
  assert.deepEqual(
    evicted.map(({ name }) => name),
    ['a2'],
  );
  assert.equal(queue.size, 4);
});

test('tokens are limited, too, and several may have to go for one', () => {
  const queue = new AdmissionQueue<Named>({ requests: 100, tokens: 100 });
  for (let index = 0; index < 5; index++) queue.offer(request('a', index, 20));
  assert.deepEqual(queue.offer(request('a', 5, 1)), { isTaken: false, evicted: [] });
  const { isTaken, evicted } = queue.offer(request('b', 0, 40));
  assert.equal(isTaken, true);
  assert.deepEqual(
    evicted.map(({ name }) => name),
    ['a4', 'a3'],
  );
  assert.equal(queue.tokens, 100);
});

test('one that is larger than the limit can wait alone', () => {
  const queue = new AdmissionQueue<Named>({ requests: 100, tokens: 100 });
  assert.equal(queue.offer(request('a', 0, 500)).isTaken, true);
  assert.equal(queue.offer(request('b', 0, 10)).isTaken, true);
  assert.deepEqual(drain(queue), ['b0']);
});

test('nothing may wait where no place is', () => {
  const queue = new AdmissionQueue<Named>({ requests: 0, tokens: 0 });
  assert.deepEqual(queue.offer(request('a', 0, 1)), { isTaken: false, evicted: [] });
});

function request(clientKey: string, index: number, tokens: number): Named {
  return { name: `${clientKey}${index}`, clientKey, tokens, isRetry: false };
}

/** Requests of these keys, in this order, each named by its key and its number within it. */
function fill(limits: QueueLimits, keys: readonly string[], tokens: number): AdmissionQueue<Named> {
  const queue = new AdmissionQueue<Named>(limits);
  const counts = new Map<string, number>();
  for (const key of keys) {
    const index = counts.get(key) ?? 0;
    counts.set(key, index + 1);
    assert.equal(queue.offer(request(key, index, tokens)).isTaken, true);
  }
  return queue;
}

function drain(queue: AdmissionQueue<Named>): readonly string[] {
  const names: string[] = [];
  for (let next = queue.next(() => true); next !== undefined; next = queue.next(() => true)) {
    names.push(next.name);
  }
  return names;
}
