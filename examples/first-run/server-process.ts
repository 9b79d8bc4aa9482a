import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import type { HttpClient } from '@nereid/client';
import type { Ports } from './free-ports.ts';

const NEREID = fileURLToPath(new URL('./node_modules/@nereid/core/bin/nereid.cjs', import.meta.url));
const POLL_MS = 20;
const START_LIMIT_MS = 60_000;

/** Starts `nereid serve` for this machine alone; what it warns of goes to the terminal. */
export function startServer(repository: string, ports: Ports): ChildProcess {
  const flags = [
    `--model-repository=${repository}`,
    `--http-port=${ports.http}`,
    `--grpc-port=${ports.grpc}`,
    `--metrics-port=${ports.metrics}`,
    '--http-address=127.0.0.1',
    '--grpc-address=127.0.0.1',
    '--log-info=false',
  ];
  return spawn(process.execPath, [NEREID, 'serve', ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/**
 * Waits until all models are ready.
 *
 * @throws Error when the server ends instead, or takes longer than a minute.
 */
export async function waitUntilReady(server: ChildProcess, client: HttpClient): Promise<void> {
  const limit = performance.now() + START_LIMIT_MS;
  while (performance.now() < limit) {
    if (hasEnded(server)) throw new Error(describeEnd(server));
    if (await isReady(client)) return;
    await wait(POLL_MS);
  }
  throw new Error(`the server was not ready within ${START_LIMIT_MS / 1000} s`);
}

/** A server that does not listen yet is not ready. */
async function isReady(client: HttpClient): Promise<boolean> {
  try {
    return await client.serverReady();
  } catch {
    return false;
  }
}

/** How a server ended that nobody asked to end. */
export function describeEnd({ exitCode, signalCode }: ChildProcess): string {
  return `the server ended with ${signalCode ?? `status ${exitCode}`}`;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Ends the server and waits until it has gone. */
export async function stopServer(server: ChildProcess): Promise<void> {
  if (hasEnded(server)) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  await ended;
}
