import { AsyncResource } from 'node:async_hooks';
import {
  ANSWERED,
  ANSWERED_QUEUE,
  AWAKE,
  Mailbox,
  MAILBOX_BYTES,
  RESTING,
  SENT,
  SENT_QUEUE,
  STATE,
} from './mailbox.ts';
import { SLOT_COUNT, type Slot } from './slot.ts';

/** What the serving thread does for its end of a mailbox. */
export interface MailboxSenderParts {
  /** A slot came back with the answers to its batch. */
  onAnswer(slot: Slot): void;
  /** Brings a message to the executor's event loop, which makes it look into the mailbox. */
  wake(): void;
}

/** The serving thread's end of a mailbox. It owns the slots that are free. */
export class MailboxSender {
  /** To be given to the thread. */
  readonly buffer: SharedArrayBuffer;
  readonly #mailbox: Mailbox;
  readonly #parts: MailboxSenderParts;
  /** The last one that came back is taken first: its memory is in the caches. */
  readonly #free: Slot[];
  /** In nobody's asynchronous context: who sent first does not own the answers to all. */
  readonly #collect = AsyncResource.bind(() => this.#collectAnswers());
  #read = 0;
  #isListening = false;
  #isClosed = false;

  /** @param buffer - What a thread has been given already. */
  constructor(parts: MailboxSenderParts, buffer = new SharedArrayBuffer(MAILBOX_BYTES)) {
    this.buffer = buffer;
    this.#mailbox = new Mailbox(buffer);
    this.#free = this.#mailbox.slots.toReversed();
    this.#parts = parts;
  }

  /** A slot to fill; undefined: all are on their way. */
  take(): Slot | undefined {
    return this.#free.pop();
  }

  /** Takes a slot back whose batch is answered, or could not be sent. */
  give(slot: Slot): void {
    this.#free.push(slot);
  }

  send(slot: Slot): void {
    const { words } = this.#mailbox;
    this.#mailbox.push(SENT, SENT_QUEUE, slot);
    if (Atomics.compareExchange(words, STATE, RESTING, AWAKE) === RESTING) this.#parts.wake();
    if (!this.#isListening) this.#listen();
  }

  /** The executor is gone: nothing comes any more. */
  close(): void {
    this.#isClosed = true;
    // What waits would be kept for ever.
    Atomics.notify(this.#mailbox.words, ANSWERED);
  }

  #listen(): void {
    this.#isListening = true;
    const { async, value } = Atomics.waitAsync(this.#mailbox.words, ANSWERED, this.#read);
    if (async) void value.then(this.#collect);
    else queueMicrotask(this.#collect);
  }

  #collectAnswers(): void {
    if (this.#isClosed) return;
    try {
      while (this.#read !== Atomics.load(this.#mailbox.words, ANSWERED)) {
        const slot = this.#mailbox.at(ANSWERED_QUEUE, this.#read);
        this.#read = (this.#read + 1) | 0;
        this.#parts.onAnswer(slot);
      }
    } finally {
      this.#isListening = false;
      if (this.#free.length < SLOT_COUNT) this.#listen();
    }
  }
}
