import type { ExecutorLoop } from './executor-loop.ts';
import type { ToExecutor } from './executor-messages.ts';
import type { MailboxReceiver } from './mailbox-receiver.ts';

/** For how long, in milliseconds, batches are taken before the event loop has a turn: messages and timers wait there. */
const LONGEST_SPELL_MS = 1;

/** Takes what comes to an executor thread: batches out of its mailbox, and messages. */
export class ExecutorThread {
  readonly #mailbox: MailboxReceiver;
  readonly #loop: Pick<ExecutorLoop, 'onMessage' | 'executeSlot'>;

  constructor(mailbox: MailboxReceiver, loop: Pick<ExecutorLoop, 'onMessage' | 'executeSlot'>) {
    this.#mailbox = mailbox;
    this.#loop = loop;
  }

  onMessage(message: ToExecutor): void {
    this.#mailbox.rise();
    try {
      if (message.kind === 'wake') return;
      // What was sent before the message comes first: it may close an instance.
      for (let left = this.#mailbox.pending; left > 0; left -= 1) this.#executeNext();
      this.#loop.onMessage(message);
    } finally {
      this.#work();
    }
  }

  /** Executes what is there, and then rests. */
  #work(): void {
    let isLeft = true;
    try {
      const until = performance.now() + LONGEST_SPELL_MS;
      for (;;) {
        if (!this.#executeNext() && this.#mailbox.rest()) break;
        if (performance.now() >= until) return;
      }
      isLeft = false;
    } finally {
      // Also when something was thrown: nobody else would look into the mailbox again.
      if (isLeft) setImmediate(() => this.#work());
    }
  }

  /** @returns Whether there was a batch. */
  #executeNext(): boolean {
    const slot = this.#mailbox.next();
    if (slot !== undefined) this.#loop.executeSlot(slot, this.#mailbox);
    return slot !== undefined;
  }
}
