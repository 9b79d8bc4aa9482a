import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackendMetrics } from '../telemetry/metrics.ts';
import type { ChannelListener } from './executor-channel.ts';
import type { NumberedCall, ToExecutor } from './executor-messages.ts';
import { Executor } from './executor.ts';

const SERVICES = {
  logger: () => ({ verbose: () => {}, info: () => {}, warning: () => {}, error: () => {} }),
  metrics: new BackendMetrics([], assert.ifError),
  reportProgress: () => {},
};

/** An executor, what is sent to it, and who hears its answers. */
function createExecutor(): { executor: Executor; posted: ToExecutor[]; listener: ChannelListener } {
  const posted: ToExecutor[] = [];
  const listeners: ChannelListener[] = [];
  const executor = new Executor((listener) => {
    listeners.push(listener);
    return { mailbox: undefined, post: (message) => void posted.push(message), terminate: async () => {} };
  }, SERVICES);
  const [listener] = listeners;
  assert.ok(listener !== undefined);
  return { executor, posted, listener };
}

function callsOf(message: ToExecutor | undefined): readonly NumberedCall[] {
  assert.equal(message?.kind, 'calls');
  return message.calls;
}

const ask = (executor: Executor, instance: number): Promise<unknown> =>
  executor.call({ kind: 'isReady', instance });

test('calls of one turn travel in one message, in their order', async () => {
  const { executor, posted } = createExecutor();
  void ask(executor, 1);
  await Promise.resolve();
  void ask(executor, 2);
  assert.equal(posted.length, 0);
  await new Promise(setImmediate);
  assert.equal(posted.length, 1);
  assert.deepEqual(
    callsOf(posted[0]).map(({ body }) => body),
    [
      { kind: 'isReady', instance: 1 },
      { kind: 'isReady', instance: 2 },
    ],
  );
  void ask(executor, 3);
  await new Promise(setImmediate);
  assert.equal(posted.length, 2);
});

test('replies that come together settle each its call', async () => {
  const { executor, posted, listener } = createExecutor();
  const answers = [ask(executor, 1), ask(executor, 2)];
  assert.deepEqual([executor.openCalls, executor.hasAnswered], [2, false]);
  await new Promise(setImmediate);
  const [a, b] = callsOf(posted[0]).map(({ call }) => call);
  assert.ok(a !== undefined && b !== undefined);
  const error = { code: 'INTERNAL', message: 'no', stack: undefined, http: undefined } as const;
  const replies = [
    { call: b, result: undefined, error },
    { call: a, result: true, error: undefined },
  ];
  listener.onMessage({ kind: 'replies', replies });
  assert.deepEqual([executor.openCalls, executor.hasAnswered], [0, true]);
  const [first, second] = await Promise.allSettled(answers);
  assert.deepEqual(first, { status: 'fulfilled', value: true });
  assert.equal(second?.status === 'rejected' && String(second.reason.message), 'no');
});

test('calls fail that had not left when the executor ended', async () => {
  const { executor, posted, listener } = createExecutor();
  const answer = ask(executor, 1);
  listener.onExit('gone');
  await assert.rejects(answer, { code: 'UNAVAILABLE', message: 'gone' });
  await new Promise(setImmediate);
  assert.equal(posted.length, 0);
});
