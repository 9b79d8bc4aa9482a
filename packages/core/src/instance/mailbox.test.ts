import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MailboxReceiver } from './mailbox-receiver.ts';
import { MailboxSender } from './mailbox-sender.ts';
import { SLOT_COUNT, type Slot } from './slot.ts';

/** Both ends in one thread. */
class Bench {
  wakes = 0;
  readonly answered: number[] = [];
  #onAnswer: (() => void) | undefined;
  readonly sender = new MailboxSender({
    onAnswer: (slot) => {
      this.answered.push(slot.number);
      this.sender.give(slot);
      this.#onAnswer?.();
    },
    wake: () => void (this.wakes += 1),
  });
  readonly receiver = new MailboxReceiver(this.sender.buffer);

  send(): Slot {
    const slot = this.sender.take();
    assert.ok(slot);
    this.sender.send(slot);
    return slot;
  }

  /** Resolves when so many batches are answered. */
  untilAnswered(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = () => {
        if (this.answered.length === count) resolve();
      };
    });
  }
}

describe('a mailbox', () => {
  test('has a slot for each batch on its way, and no more', () => {
    const { sender } = new Bench();
    const slots = Array.from({ length: SLOT_COUNT }, () => sender.take());
    assert.equal(new Set(slots.map((slot) => slot?.number)).size, SLOT_COUNT);
    assert.equal(sender.take(), undefined);
    const [slot] = slots;
    assert.ok(slot);
    sender.give(slot);
    assert.equal(sender.take(), slot);
  });

  test('delivers batches in their order, and their answers in that of answers, again and again', async () => {
    const bench = new Bench();
    const expected: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const sent = Array.from({ length: SLOT_COUNT }, () => bench.send().number);
      const all = bench.untilAnswered(expected.length + SLOT_COUNT);
      const received = Array.from({ length: SLOT_COUNT }, () => bench.receiver.next());
      assert.deepEqual(
        received.map((slot) => slot?.number),
        sent,
      );
      assert.equal(bench.receiver.next(), undefined);
      for (const slot of received.toReversed()) {
        assert.ok(slot);
        bench.receiver.answer(slot);
      }
      expected.push(...sent.toReversed());
      await all;
      assert.deepEqual(bench.answered, expected);
    }
  });

  test('wakes an executor that rests, once', () => {
    const bench = new Bench();
    bench.send();
    bench.send();
    assert.equal(bench.wakes, 1);
    bench.receiver.rise();
    bench.send();
    assert.equal(bench.wakes, 1);
  });

  test('lets an executor rest only when there is nothing to do', () => {
    const bench = new Bench();
    bench.receiver.rise();
    bench.send();
    assert.equal(bench.receiver.rest(), false);
    bench.receiver.next();
    assert.equal(bench.receiver.rest(), true);
    bench.send();
    assert.equal(bench.wakes, 1);
  });

  test('brings nothing any more once the executor is gone', async () => {
    const bench = new Bench();
    const slot = bench.send();
    bench.sender.close();
    bench.receiver.answer(slot);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(bench.answered, []);
  });
});
