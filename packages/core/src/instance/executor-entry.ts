/** Entry of an executor, a worker thread or a child process: runs backends for the serving thread. */
import { parentPort } from 'node:worker_threads';
import { ExecutorLoop } from './executor-loop.ts';
import type { FromExecutor, ToExecutor } from './executor-messages.ts';

if (parentPort !== null) {
  const port = parentPort;
  const loop = new ExecutorLoop((message: FromExecutor, transfer: readonly ArrayBuffer[]) =>
    port.postMessage(message, [...transfer]),
  );
  port.on('message', (message: ToExecutor) => loop.onMessage(message));
} else {
  const loop = new ExecutorLoop((message: FromExecutor) => void process.send?.(message));
  process.on('message', (message) => loop.onMessage(message as ToExecutor));
  process.on('disconnect', () => process.exit(0));
}
