import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { OwnedProcess } from './child-process.ts';

const POLL_MS = 2;
const START_LIMIT_MS = 120_000;

/**
 * Asks a server for its readiness until it has it.
 *
 * @param started - When the process was started, as `performance.now()` has it.
 * @throws Error when the process ends instead, or is not ready within two minutes.
 */
export async function waitUntilReady(child: OwnedProcess, port: number, started: number): Promise<void> {
  while (!(await isReady(port))) {
    child.assertRuns();
    if (performance.now() - started > START_LIMIT_MS) {
      throw new Error(`the server was not ready within ${START_LIMIT_MS / 1000} s`);
    }
    await wait(POLL_MS);
  }
}

/** A server that does not listen yet is not ready. */
function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/v2/health/ready' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}
