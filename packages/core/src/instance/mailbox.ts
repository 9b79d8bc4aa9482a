/**
 * What the serving thread and an executor thread share for plain batches: slots, two queues of their numbers, and
 * whether the executor is to be woken. A queue can't overflow: it has a place for each slot.
 */
import { SLOT_BYTES, SLOT_COUNT, Slot } from './slot.ts';

/** Words that the serving thread writes, and 64 bytes on those that the executor writes: no cache line has two writers. */
export const SENT = 0;
export const SENT_QUEUE = 1;
export const STATE = 16;
export const ANSWERED = 17;
export const ANSWERED_QUEUE = 18;
const HEAD_BYTES = 256;

export const MAILBOX_BYTES = HEAD_BYTES + SLOT_COUNT * SLOT_BYTES;

/** What the executor does: it waits in its event loop, where only a message wakes it. */
export const RESTING = 0;
/** It will look at the queue before it rests. */
export const AWAKE = 1;

/** A mailbox as both ends see it. Counts run over after 2^32 batches, which changes nothing. */
export class Mailbox {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly slots: readonly Slot[];

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, HEAD_BYTES / 4);
    this.slots = Array.from(
      { length: SLOT_COUNT },
      (_, number) => new Slot(buffer, HEAD_BYTES + number * SLOT_BYTES, number),
    );
  }

  /** Appends a slot to the queue that lies at `queue` and is counted at `count`. */
  push(count: number, queue: number, slot: Slot): void {
    const at = Atomics.load(this.words, count);
    this.words[queue + (at & (SLOT_COUNT - 1))] = slot.number;
    Atomics.store(this.words, count, at + 1);
  }

  /** The slot that was appended as the `at`th, once the count says that it was. */
  at(queue: number, at: number): Slot {
    const number = this.words[queue + (at & (SLOT_COUNT - 1))] ?? -1;
    const slot = this.slots[number];
    if (slot === undefined) throw new RangeError(`a mailbox has slots 0 to ${SLOT_COUNT - 1}, not ${number}`);
    return slot;
  }
}
