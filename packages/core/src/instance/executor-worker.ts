/** The threads of executors. */
import { extname } from 'node:path';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { MAILBOX_BYTES } from './mailbox.ts';

/** Lies beside this file, as source in tests and as JavaScript in the package. */
export const EXECUTOR_ENTRY = new URL(`./executor-entry${extname(import.meta.url)}`, import.meta.url);

/** A thread that boots, or has booted. */
export interface ExecutorWorker {
  readonly worker: Worker;
  /** The memory of its mailbox. */
  readonly memory: SharedArrayBuffer;
}

let ahead: ExecutorWorker | undefined;

/** Has a thread boot for whoever takes the first one, while the rest of the program is still evaluated. */
export function bootAhead(): void {
  ahead ??= boot();
}

/** A thread that nobody else has. */
export function takeWorker(): ExecutorWorker {
  const taken = ahead;
  ahead = undefined;
  // One that has ended already has told so when nobody listened.
  return taken === undefined || taken.worker.threadId === -1 ? boot() : taken;
}

function boot(): ExecutorWorker {
  const memory = new SharedArrayBuffer(MAILBOX_BYTES);
  // One environment for all: what a backend sets before its library loads holds in its threads, too.
  const worker = new Worker(EXECUTOR_ENTRY, { name: 'executor', env: SHARE_ENV, workerData: memory });
  return { worker, memory };
}
