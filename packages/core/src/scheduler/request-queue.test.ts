import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildRequest } from '../../test/build-request.ts';
import { RequestQueue, UNLIMITED, type QueuePolicy } from './request-queue.ts';

const request = (id: string, fields: { priority?: number; timeoutUs?: number } = {}) =>
  buildRequest({ id, ...fields }).request;
const ids = (queue: RequestQueue): string[] => [...queue].map((entry) => entry.request.id);
const policy = (fields: Partial<QueuePolicy>): QueuePolicy => ({ ...UNLIMITED, ...fields });

describe('RequestQueue', () => {
  test('serves higher levels first and each level in order of arrival', () => {
    const queue = new RequestQueue([UNLIMITED, UNLIMITED]);
    queue.push(request('a', { priority: 2 }), 0);
    queue.push(request('b', { priority: 1 }), 0);
    queue.push(request('c', { priority: 2 }), 0);
    assert.deepEqual(ids(queue), ['b', 'a', 'c']);
    assert.deepEqual(
      queue.take(2).map(({ id }) => id),
      ['b', 'a'],
    );
    assert.equal(queue.size, 1);
  });

  test('refuses a request when its level is full', () => {
    const queue = new RequestQueue([policy({ maxQueueSize: 1 }), UNLIMITED]);
    queue.push(request('a', { priority: 1 }), 0);
    assert.throws(() => queue.push(request('b', { priority: 1 }), 0), {
      code: 'UNAVAILABLE',
      message: /maximum queue size/,
    });
    queue.push(request('c', { priority: 2 }), 0);
    assert.equal(queue.size, 2);
  });

  test('gives expired requests back under REJECT', () => {
    const queue = new RequestQueue([policy({ defaultTimeoutNs: 100 })]);
    queue.push(request('a'), 0);
    queue.push(request('b'), 50);
    assert.equal(queue.nextDeadline(), 100);
    assert.deepEqual(
      queue.expire(100).map(({ id }) => id),
      ['a'],
    );
    assert.deepEqual(ids(queue), ['b']);
  });

  test('moves expired requests behind all others of the level under DELAY', () => {
    const queue = new RequestQueue([policy({ defaultTimeoutNs: 100, timeoutAction: 'DELAY' })]);
    queue.push(request('a'), 0);
    queue.push(request('b'), 50);
    assert.deepEqual(queue.expire(120), []);
    queue.push(request('c'), 130);
    assert.deepEqual(ids(queue), ['b', 'c', 'a']);
    assert.equal(queue.size, 3);
  });

  test('lets a request shorten the timeout only where that is allowed and shorter', () => {
    const deadline = (fields: Partial<QueuePolicy>, timeoutUs: number): number =>
      new RequestQueue([policy(fields)]).push(request('a', { timeoutUs }), 0).deadline;
    assert.equal(deadline({ defaultTimeoutNs: 9000, allowTimeoutOverride: true }, 5), 5000);
    assert.equal(deadline({ defaultTimeoutNs: 9000, allowTimeoutOverride: true }, 50), 9000);
    assert.equal(deadline({ defaultTimeoutNs: 9000 }, 5), 9000);
    assert.equal(deadline({ allowTimeoutOverride: true }, 5), Infinity);
  });

  test('takes a request out wherever it is', () => {
    const queue = new RequestQueue([UNLIMITED]);
    const second = request('b');
    queue.push(request('a'), 0);
    queue.push(second, 0);
    assert.equal(queue.remove(second), true);
    assert.equal(queue.remove(second), false);
    assert.deepEqual(ids(queue), ['a']);
  });
});
