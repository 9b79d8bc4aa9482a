import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToExecutor } from './executor-messages.ts';
import { ExecutorThread } from './executor-thread.ts';
import { MailboxReceiver } from './mailbox-receiver.ts';
import { MailboxSender } from './mailbox-sender.ts';
import type { Slot } from './slot.ts';

const WAKE: ToExecutor = { kind: 'wake' };
const DETACH: ToExecutor = { kind: 'detachRegion', id: 1 };

/** A thread whose loop notes what it gets. */
function createBench(onSlot: (slot: Slot) => void = () => {}) {
  const events: string[] = [];
  let wakes = 0;
  const sender = new MailboxSender({ onAnswer: () => {}, wake: () => void (wakes += 1) });
  const thread = new ExecutorThread(new MailboxReceiver(sender.buffer), {
    onMessage: ({ kind }) => {
      events.push(kind);
    },
    executeSlot: (slot) => {
      events.push(`slot ${slot.number}`);
      onSlot(slot);
    },
  });
  const send = (): void => {
    const slot = sender.take();
    assert.ok(slot);
    sender.send(slot);
  };
  return { events, thread, send, wakes: () => wakes };
}

test('batches come before the message that was sent after them', () => {
  const { events, thread, send } = createBench();
  send();
  send();
  thread.onMessage(DETACH);
  assert.deepEqual(events, ['slot 0', 'slot 1', 'detachRegion']);
});

test('what is sent while a batch is executed needs nobody who wakes', async () => {
  const bench = createBench((slot) => {
    if (slot.number === 0) bench.send();
  });
  bench.send();
  bench.thread.onMessage(WAKE);
  // If the first one took too long, the second has its turn after those of others.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(bench.events, ['slot 0', 'slot 1']);
  assert.equal(bench.wakes(), 1);
  bench.send();
  assert.equal(bench.wakes(), 2);
});

test('an error does not leave batches behind', async () => {
  const bench = createBench((slot) => {
    if (slot.number === 0) throw new Error('on purpose');
  });
  bench.send();
  bench.send();
  assert.throws(() => bench.thread.onMessage(WAKE), /on purpose/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(bench.events, ['slot 0', 'slot 1']);
});

test('batches without end leave the event loop its turns', async () => {
  let isOver = false;
  const bench = createBench(() => {
    const until = performance.now() + 2;
    while (performance.now() < until);
    if (!isOver && bench.events.length < 6) bench.send();
  });
  bench.send();
  bench.thread.onMessage(WAKE);
  await new Promise<void>((resolve) => setImmediate(() => ((isOver = true), resolve())));
  assert.ok(bench.events.length < 6);
});
