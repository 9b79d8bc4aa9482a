import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildRequest, type RecordedRequest } from '../../test/build-request.ts';
import type { InferenceRequest } from '../request/inference-request.ts';
import { ResponseOrder } from './response-order.ts';

const RESPONSE = { outputs: [], parameters: undefined, error: undefined };

/** Requests in this order, each with somebody who notes its pauses as '+id' and '-id'. */
function track(...ids: readonly string[]): { requests: RecordedRequest[]; pauses: string[] } {
  const order = new ResponseOrder();
  const pauses: string[] = [];
  const holder = {
    cancel: () => undefined,
    pause: ({ id }: InferenceRequest, isPaused: boolean) => pauses.push(`${isPaused ? '+' : '-'}${id}`),
  };
  const requests = ids.map((id) => {
    const recorded = buildRequest({ id });
    recorded.request.holder = holder;
    order.track(recorded.request);
    return recorded;
  });
  return { requests, pauses };
}

describe('ResponseOrder', () => {
  test('lets responses of a later request leave when the earlier one has ended', () => {
    const {
      requests: [a, b],
    } = track('a', 'b');
    b?.request.respond(RESPONSE, false);
    a?.request.respond(RESPONSE, false);
    assert.equal(b?.responses.length, 0);
    a?.request.respond(RESPONSE, true);
    assert.equal(b?.responses.length, 1);
    b.request.respond(RESPONSE, true);
    assert.equal(b.responses.length, 2);
  });

  test('pauses later requests while the taker of an earlier one does not keep up', () => {
    const {
      requests: [, b],
      pauses,
    } = track('a', 'b', 'c', 'd');
    b?.request.pause(true);
    assert.deepEqual(pauses, ['+b', '+c', '+d']);
    b?.request.pause(false);
    assert.deepEqual(pauses.slice(3), ['-b', '-c', '-d']);
  });

  test('lets later ones go on when a paused one has ended', () => {
    const {
      requests: [a],
      pauses,
    } = track('a', 'b');
    a?.request.pause(true);
    a?.request.respond(RESPONSE, true);
    assert.deepEqual(pauses, ['+a', '+b', '-b']);
  });

  test('lets one go on only when neither its own taker nor that of an earlier one is slow', () => {
    const {
      requests: [a, b],
      pauses,
    } = track('a', 'b');
    a?.request.pause(true);
    b?.request.pause(true);
    a?.request.pause(false);
    assert.deepEqual(pauses, ['+a', '+b', '-a']);
    b?.request.pause(false);
    assert.deepEqual(pauses.slice(3), ['-b']);
  });

  test('pauses a request that comes behind a paused one', () => {
    const order = new ResponseOrder();
    const [a, b] = [buildRequest({ id: 'a' }).request, buildRequest({ id: 'b' }).request];
    order.track(a);
    a.pause(true);
    order.track(b);
    assert.ok(b.isPaused);
    a.respond(RESPONSE, true);
    assert.ok(!b.isPaused);
  });
});
