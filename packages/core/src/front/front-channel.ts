/** A front's thread as the serving thread has it. */
import { extname } from 'node:path';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { InferenceServerError } from '@nereid/protocol';
import { fromWireError, toWireError } from '../instance/batch-transfer.ts';
import { writeRemoteLine } from '../telemetry/remote-log.ts';
import type { Logger } from '@nereid/backend-sdk';
import { FrontLink, type FrontBackend } from './front-link.ts';
import type {
  CallOutcome,
  FrontCommand,
  FromFront,
  FrontStart,
  ServiceCall,
  ToFront,
} from './front-messages.ts';

/** The entry lies beside this file, as source in tests and as JavaScript in the package. */
const ENTRY = new URL(`./front-entry${extname(import.meta.url)}`, import.meta.url);

/** What a front is started with, besides what each has of its own. */
export interface FrontChannelOptions extends FrontBackend {
  readonly start: Omit<FrontStart, 'answers' | 'answerCount'>;
  /** The log of one part of the server. */
  child(component: string): Logger;
  /** Sees to it that fronts know the settings. */
  refresh(): void;
  /** The thread has ended by itself. */
  onExit(reason: string): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: InferenceServerError): void;
}

/** States: running → ended, by itself or because it was told to. */
export class FrontChannel {
  readonly #options: FrontChannelOptions;
  readonly #worker: Worker;
  readonly #link: FrontLink;
  readonly #answers: MessagePort;
  readonly #answerCount = new Int32Array(new SharedArrayBuffer(4));
  readonly #commands = new Map<number, Waiting>();
  #next = 0;
  #isEnding = false;
  #ended: InferenceServerError | undefined;

  constructor(options: FrontChannelOptions) {
    this.#options = options;
    const { port1, port2 } = new MessageChannel();
    this.#answers = port1;
    const workerData: FrontStart = { ...options.start, answers: port2, answerCount: this.#answerCount };
    this.#worker = new Worker(ENTRY, { name: 'front', workerData, transferList: [port2] });
    this.#link = new FrontLink(options, (message, transfer) =>
      this.#worker.postMessage(message, [...transfer]),
    );
    this.#listen();
  }

  /** @throws InferenceServerError with what went wrong in the front; UNAVAILABLE when it is gone. */
  command(body: FrontCommand): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const command = this.#next++;
    return new Promise((resolve, reject) => {
      this.#commands.set(command, { resolve, reject });
      const message: ToFront = { kind: 'command', command, body };
      this.#worker.postMessage(message);
    });
  }

  /** Ends the thread, with all its connections. */
  async terminate(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }

  #listen(): void {
    let reason = 'it ended';
    this.#worker.on('message', (message: FromFront) => this.#receive(message));
    this.#worker.on('error', (error) => {
      reason = String(error);
    });
    this.#worker.on('exit', () => {
      this.#answers.close();
      this.#link.end();
      this.#ended = new InferenceServerError('UNAVAILABLE', `a front has ended: ${reason}`);
      for (const { reject } of this.#commands.values()) reject(this.#ended);
      this.#commands.clear();
      if (!this.#isEnding) this.#options.onExit(reason);
    });
  }

  #receive(message: FromFront): void {
    this.#options.refresh();
    switch (message.kind) {
      case 'turn':
        this.#link.receive(message.items, message.buffers);
        return;
      case 'ask':
        this.#answer(message.body);
        return;
      case 'log':
        writeRemoteLine(this.#options.child(message.component), message);
        return;
      case 'done': {
        const waiting = this.#commands.get(message.command);
        this.#commands.delete(message.command);
        const { outcome } = message;
        if (outcome.error === undefined) waiting?.resolve(outcome.value);
        else waiting?.reject(fromWireError(outcome.error));
      }
    }
  }

  /** Whatever happens, the front that stands still is let go on. */
  #answer(body: ServiceCall): void {
    try {
      const outcome = this.#link.answer(body);
      // What was asked for may have changed them.
      this.#options.refresh();
      this.#answers.postMessage(outcome);
    } catch (error) {
      const outcome: CallOutcome = { error: toWireError(error) };
      this.#answers.postMessage(outcome);
    }
    Atomics.add(this.#answerCount, 0, 1);
    Atomics.notify(this.#answerCount, 0);
  }
}
