import { ANSWERED, ANSWERED_QUEUE, AWAKE, Mailbox, RESTING, SENT, SENT_QUEUE, STATE } from './mailbox.ts';
import type { Slot } from './slot.ts';

/** The executor thread's end of a mailbox. */
export class MailboxReceiver {
  readonly #mailbox: Mailbox;
  #read = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#mailbox = new Mailbox(buffer);
  }

  /** How many batches were sent that were not taken yet. */
  get pending(): number {
    return (Atomics.load(this.#mailbox.words, SENT) - this.#read) | 0;
  }

  /** The next slot in the order in which they were sent; undefined: there is none. */
  next(): Slot | undefined {
    if (this.pending === 0) return undefined;
    const slot = this.#mailbox.at(SENT_QUEUE, this.#read);
    this.#read = (this.#read + 1) | 0;
    return slot;
  }

  /** Gives a slot back with the answers to its batch. */
  answer(slot: Slot): void {
    this.#mailbox.push(ANSWERED, ANSWERED_QUEUE, slot);
    Atomics.notify(this.#mailbox.words, ANSWERED);
  }

  /** Says that it will look into the mailbox again without being woken. */
  rise(): void {
    Atomics.store(this.#mailbox.words, STATE, AWAKE);
  }

  /** Says that only a message wakes it now; false: something came meanwhile, and it is to look again. */
  rest(): boolean {
    const { words } = this.#mailbox;
    Atomics.store(words, STATE, RESTING);
    if (this.pending === 0) return true;
    return Atomics.compareExchange(words, STATE, RESTING, AWAKE) !== RESTING;
  }
}
