/** Entry of the thread for large JSON. */
import { parentPort } from 'node:worker_threads';
import { doJsonTask, memoryOf, type JsonTask } from './json-work.ts';

const port = parentPort;
port?.on('message', (task: JsonTask) => {
  const result = doJsonTask(task);
  port.postMessage(result, memoryOf(result));
});
