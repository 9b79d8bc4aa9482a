import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromExecutor, ToExecutor } from './executor-messages.ts';
import { EXECUTOR_ENTRY, takeWorker } from './executor-worker.ts';
import { MailboxSender } from './mailbox-sender.ts';
import type { Slot } from './slot.ts';

const WAKE: ToExecutor = { kind: 'wake' };

/** The way to an executor: a worker thread or a child process. */
export interface ExecutorChannel {
  /** The short way for plain batches to whoever shares our memory: a thread. */
  readonly mailbox: MailboxSender | undefined;
  post(message: ToExecutor): void;
  /** Ends the thread or process at once. */
  terminate(): Promise<void>;
}

/** Hears of what comes from an executor. */
export interface ChannelListener {
  onMessage(message: FromExecutor): void;
  /** A batch that was sent through the mailbox is answered. */
  onAnswer(slot: Slot): void;
  /** The thread or process is gone. */
  onExit(reason: string): void;
}

/** Starts a worker thread. */
export function startThread(listener: ChannelListener): ExecutorChannel {
  const { worker, memory } = takeWorker();
  const wake = (): void => worker.postMessage(WAKE);
  const mailbox = new MailboxSender({ onAnswer: (slot) => listener.onAnswer(slot), wake }, memory);
  let reason = 'executor thread ended';
  worker.on('message', (message: FromExecutor) => listener.onMessage(message));
  worker.on('error', (error) => {
    reason = `executor thread failed: ${String(error)}`;
  });
  worker.on('exit', () => {
    mailbox.close();
    listener.onExit(reason);
  });
  return {
    mailbox,
    post: (message) => worker.postMessage(message),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

/** Starts a child process. */
export function startProcess(listener: ChannelListener): ExecutorChannel {
  const child: ChildProcess = fork(fileURLToPath(EXECUTOR_ENTRY), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      listener.onExit(`backend process ended (${signal ?? `status ${code ?? 'unknown'}`})`);
      resolve();
    });
  });
  child.on('message', (message) => listener.onMessage(message as FromExecutor));
  child.on('error', () => {});
  return {
    mailbox: undefined,
    post: (message) => void child.send(message),
    terminate: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
