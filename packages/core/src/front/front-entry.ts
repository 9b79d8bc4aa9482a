/** Entry of a front. */
import { parentPort, workerData } from 'node:worker_threads';
import { collectWhenIdle } from '../memory/idle-collection.ts';
import { allocateTransferable } from '../memory/large-buffer.ts';
import type { FromFront, FrontStart, ToFront } from './front-messages.ts';
import { FrontThread } from './front-thread.ts';

const port = parentPort;
if (port !== null) {
  allocateTransferable();
  collectWhenIdle();
  const front = new FrontThread(
    { postMessage: (message: FromFront, transfer = []) => port.postMessage(message, [...transfer]) },
    workerData as FrontStart,
  );
  process.on('uncaughtException', (error) => front.reportFault(error));
  port.on('message', (message: ToFront) => front.receive(message));
}
