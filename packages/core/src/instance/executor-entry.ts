/** Entry of an executor, a worker thread or a child process: runs backends for the serving thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { ExecutorLoop } from './executor-loop.ts';
import type { FromExecutor, ToExecutor } from './executor-messages.ts';
import { ExecutorThread } from './executor-thread.ts';
import { MailboxReceiver } from './mailbox-receiver.ts';

/** What a backend lets escape must not end the thread: other models run on it, too. */
function surviveFaults(loop: ExecutorLoop): void {
  process.on('uncaughtException', (error) => loop.reportFault(error));
}

if (parentPort !== null) {
  const port = parentPort;
  const loop = new ExecutorLoop((message: FromExecutor, transfer: readonly ArrayBuffer[]) =>
    port.postMessage(message, [...transfer]),
  );
  surviveFaults(loop);
  const thread = new ExecutorThread(new MailboxReceiver(workerData as SharedArrayBuffer), loop);
  port.on('message', (message: ToExecutor) => thread.onMessage(message));
} else {
  const loop = new ExecutorLoop((message: FromExecutor) => void process.send?.(message));
  surviveFaults(loop);
  process.on('message', (message) => loop.onMessage(message as ToExecutor));
  process.on('disconnect', () => process.exit(0));
}
