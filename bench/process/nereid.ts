import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OwnedProcess } from './child-process.ts';
import { findFreePorts } from './free-ports.ts';

const NEREID = fileURLToPath(new URL('../../packages/core/bin/nereid.cjs', import.meta.url));
const POLL_MS = 2;
const START_LIMIT_MS = 120_000;

/** A server that runs and is ready. */
export interface Nereid extends AsyncDisposable {
  readonly pid: number;
  readonly httpUrl: string;
  readonly grpcAddress: string;
  /** From the start of the process to the first answer "ready". */
  readonly readyMs: number;
}

/**
 * Starts a server on a model repository and waits until it is ready.
 *
 * @throws Error when it ends instead, or is not ready within two minutes.
 */
export async function startNereid(repository: string, flags: readonly string[] = []): Promise<Nereid> {
  const [http = 0, grpc = 0, metrics = 0] = await findFreePorts(3);
  const started = performance.now();
  const child = new OwnedProcess([
    ...profileFlags(),
    NEREID,
    'serve',
    `--model-repository=${repository}`,
    '--http-address=127.0.0.1',
    `--http-port=${http}`,
    '--grpc-address=127.0.0.1',
    `--grpc-port=${grpc}`,
    `--metrics-port=${metrics}`,
    '--log-info=false',
    ...flags,
  ]);
  child.discardOutput();
  try {
    await waitUntilReady(child, http, started);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    pid: child.pid,
    httpUrl: `http://127.0.0.1:${http}`,
    grpcAddress: `127.0.0.1:${grpc}`,
    readyMs: performance.now() - started,
    [Symbol.asyncDispose]: () => child.stop(),
  };
}

/** With NEREID_BENCH_PROFILE=folder every server writes a CPU profile there when it ends. */
function profileFlags(): readonly string[] {
  const folder = process.env['NEREID_BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

async function waitUntilReady(child: OwnedProcess, port: number, started: number): Promise<void> {
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
