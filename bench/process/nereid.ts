import { fileURLToPath } from 'node:url';
import { OwnedProcess } from './child-process.ts';
import { findFreePorts } from './free-ports.ts';
import { waitUntilReady } from './wait-until-ready.ts';

const NEREID = fileURLToPath(new URL('../../packages/core/bin/nereid.cjs', import.meta.url));

/** Where a server is asked. */
export interface ServerAddress {
  readonly httpUrl: string;
  /** host:port */
  readonly grpcAddress: string;
}

/** A server that runs and is ready: Nereid, or one to compare it with. */
export interface RunningServer extends ServerAddress, AsyncDisposable {
  readonly pid: number;
  /** From the start of the process to the first answer "ready". */
  readonly readyMs: number;
}

/**
 * Starts a server on a model repository and waits until it is ready.
 *
 * @throws Error when it ends instead, or is not ready within two minutes.
 */
export async function startNereid(repository: string, flags: readonly string[] = []): Promise<RunningServer> {
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
