import { InferenceServerError } from '@nereid/protocol';
import { startServer } from '../create-server.ts';
import type { CommandLine } from '../options.ts';
import type { Server, ServerPorts } from '../server.ts';
import type { RepositoryAgentStatus } from '../agent/agent-registry.ts';
import type { BackendStatus } from '../backend/backend-registry.ts';
import { formatTable, wrap } from './table.ts';

/** Where a command writes. */
export interface Output {
  write(text: string): void;
}

/**
 * Serves until SIGINT or SIGTERM.
 *
 * @returns The exit status: 0 after a clean stop, 1 when requests were cut off by `--exit-timeout-secs`.
 */
export async function serve(
  { options, warnings, unsupportedOptions }: CommandLine,
  output: Output,
): Promise<number> {
  for (const warning of warnings) output.write(`warning: ${warning}\n`);
  for (const flag of unsupportedOptions) output.write(`warning: ${flag} has no effect in this version\n`);
  const stop = new AbortController();
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
  });
  void stopped.then(() => stop.abort());
  // A fault of a backend on this thread must not take the other models along.
  process.on('uncaughtException', (error) =>
    process.stderr.write(`error: ${error.stack ?? error.message}\n`),
  );
  const server = await startServer(options, { listens: true, signal: stop.signal }).catch(
    (error: unknown) => {
      if (!stop.signal.aborted) throw error;
      return undefined;
    },
  );
  if (server === undefined) {
    output.write(`${await stopped} received before the models were loaded\n`);
    return 0;
  }
  if (server.repositoryAgents.length > 0) output.write(`${describeAgents(server)}\n`);
  output.write(`${describeBackends(server)}\n${await describeModels(server)}\n`);
  try {
    output.write(`${describePorts(await server.listen())}\n`);
  } catch (error) {
    await server.close();
    throw error;
  }
  const signal = await stopped;
  output.write(`${signal} received: waiting for running requests to end\n`);
  if (await server.close()) return 0;
  output.write('exit timeout expired, exiting immediately\n');
  return 1;
}

/** The table of backends. */
export function describeBackends(server: Pick<Server, 'backends'>): string {
  return formatTable(['Backend', 'Package', 'Stability', 'Status'], server.backends.map(describeExtension));
}

/** The table of repository agents. */
function describeAgents(server: Pick<Server, 'repositoryAgents'>): string {
  return formatTable(
    ['Repository Agent', 'Package', 'Stability', 'Status'],
    server.repositoryAgents.map(describeExtension),
  );
}

function describeExtension({ manifest, problem }: BackendStatus | RepositoryAgentStatus): string[] {
  return [
    manifest.name,
    `${manifest.packageName} ${manifest.packageVersion}`,
    manifest.stability,
    problem === undefined ? 'OK' : wrap(problem.message, 70),
  ];
}

async function describeModels(server: Server): Promise<string> {
  const index = await server.management.repositoryIndex(false);
  const rows = index.map(({ name, version = '', state = 'not loaded', reason }) => [
    name,
    version,
    reason === undefined ? state : wrap(`${state}: ${reason}`, 90),
  ]);
  return formatTable(['Model', 'Version', 'Status'], rows);
}

function describePorts({ http, grpc, metrics }: ServerPorts): string {
  const parts = [
    http === undefined ? 'HTTP is off' : `HTTP at port ${http}`,
    grpc === undefined ? 'gRPC is off' : `gRPC at port ${grpc}`,
    metrics === undefined ? 'metrics are off' : `metrics at port ${metrics}`,
  ];
  return `Nereid is serving: ${parts.join(', ')}`;
}

/** What a failed command says: one line. */
export function describeFailure(error: unknown): string {
  return `error: ${InferenceServerError.from(error).message}`;
}
