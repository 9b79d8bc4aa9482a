import { setTimeout as wait } from 'node:timers/promises';
import { InferenceServerError } from '@nereid/protocol';
import { startServer } from '../create-server.ts';
import { resolveServerOptions, type CommandLine, type ServerOptions } from '../options.ts';
import { countArrayBuffers } from '../memory/count-array-buffers.ts';
import type { Server, ServerPorts } from '../server.ts';
import type { BackendStatus } from '../backend/backend-registry.ts';
import { StopSignals } from './stop-signals.ts';
import { formatTable, wrap } from './table.ts';

/** Where a command writes. */
export interface Output {
  write(text: string): void;
}

/**
 * Serves until SIGINT or SIGTERM. What is under way then, the start included, has `--exit-timeout-secs` to end, or until
 * the next signal.
 *
 * @returns The exit status: 0 after a clean stop, 1 when something was cut off.
 */
export async function serve(
  { options, warnings, unsupportedOptions }: CommandLine,
  output: Output,
): Promise<number> {
  for (const warning of warnings) output.write(`warning: ${warning}\n`);
  for (const flag of unsupportedOptions) output.write(`warning: ${flag} has no effect in this version\n`);
  const signals = new StopSignals();
  // Whoever read what is written here may have gone. That is no fault, and to tell it there would be the next one.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignore);
  // A fault of a backend on this thread must not take the other models along.
  process.on('uncaughtException', (error) =>
    process.stderr.write(`error: ${error.stack ?? error.message}\n`),
  );
  const starting = startServer(options, { listens: true, signal: signals.aborts }).catch((error: unknown) => {
    if (!signals.aborts.aborted) throw error;
    return undefined;
  });
  const early = await Promise.race([starting.then(() => undefined), signals.first]);
  if (early !== undefined) {
    output.write(`${early} received before the models were loaded: giving up the start\n`);
    return endWithin(starting, options, { signals, output });
  }
  const server = await starting;
  if (server === undefined) return 0;
  if (server.repositoryAgents.length > 0)
    output.write(`${describeExtensions('Repository Agent', server.repositoryAgents)}\n`);
  if (server.httpPlugins.length > 0)
    output.write(`${describeExtensions('HTTP Plugin', server.httpPlugins)}\n`);
  output.write(`${describeBackends(server)}\n${await describeModels(server)}\n`);
  try {
    output.write(`${describePorts(await server.listen())}\n`);
  } catch (error) {
    await server.close();
    throw error;
  }
  countArrayBuffers();
  output.write(`${await signals.first} received: waiting for running requests to end\n`);
  const isClean = await Promise.race([server.close(), signals.again]);
  if (isClean === true) return 0;
  output.write(`${isClean === false ? 'exit timeout expired' : 'asked again'}, exiting immediately\n`);
  return 1;
}

/** Waits for a start that was given up; the process ends without it when that takes too long. */
async function endWithin(
  starting: Promise<Server | undefined>,
  options: ServerOptions,
  { signals, output }: { readonly signals: StopSignals; readonly output: Output },
): Promise<number> {
  const ended = starting.then(
    (server) => server?.close(),
    () => undefined,
  );
  const { exitTimeoutSecs } = resolveServerOptions(options);
  const isEnded = await Promise.race([
    ended.then(() => true),
    wait(exitTimeoutSecs * 1000, false),
    signals.again,
  ]);
  if (isEnded === true) return 0;
  output.write('the start did not end in time, exiting immediately\n');
  return 1;
}

/** The table of backends. */
export function describeBackends(server: Pick<Server, 'backends'>): string {
  return describeExtensions('Backend', server.backends);
}

/** The table of what packages bring. */
export function describeExtensions(title: string, extensions: readonly ExtensionStatus[]): string {
  return formatTable([title, 'Package', 'Stability', 'Status'], extensions.map(describeExtension));
}

/** What all of them have. */
type ExtensionStatus = Pick<BackendStatus, 'manifest' | 'problem'>;

function describeExtension({ manifest, problem }: ExtensionStatus): string[] {
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

function ignore(): void {
  // Nothing to do.
}
