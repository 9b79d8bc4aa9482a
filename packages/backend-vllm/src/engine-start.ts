import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { InferenceServerError, type InstanceContext, type ModelContext } from '@nereid/backend-sdk';
import { listEngineModels, probeEngine } from './ask-engine.ts';
import { EngineConnection } from './engine-connection.ts';
import { visibleGpu } from './engine-gpu.ts';
import { EngineKey } from './engine-key.ts';
import { EngineLog, progressOf } from './engine-log.ts';
import { EngineProcess } from './engine-process.ts';
import type { EngineSettings } from './engine-settings.ts';
import { findFreePort } from './free-port.ts';

/** An engine of ours that can serve. */
export interface StartedEngine {
  readonly process: EngineProcess;
  readonly connection: EngineConnection;
  readonly log: EngineLog;
}

/** What an engine of ours is started for. */
export interface EngineStart {
  readonly context: ModelContext;
  readonly settings: EngineSettings;
  readonly instance: InstanceContext;
  /** Aborts when it is no longer wanted. */
  readonly signal: AbortSignal;
}

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 500;
/** An engine may be silent for minutes: how long it has taken is said this often. */
const REPORT_MS = 10_000;
const KEY_BYTES = 32;

/**
 * Starts an engine and waits until it can serve, telling how far it is.
 *
 * @throws InferenceServerError UNAVAILABLE with its own reason when it ends, takes too long, or is no longer wanted.
 */
export async function startEngine(start: EngineStart): Promise<StartedEngine> {
  const { context, settings } = start;
  const { preset } = settings;
  const port = await findFreePort();
  const key = preset.keyVariable === undefined ? undefined : await EngineKey.read({ secret: makeSecret() });
  const log = new EngineLog(context.logger, context.modelName);
  const progress = new Progress(context);
  const process = new EngineProcess({
    command: commandOf(start, port),
    environment: environmentOf(start, key),
    onLine: (line) => {
      log.add(line);
      progress.onLine(line);
    },
  });
  const url = new URL(`http://127.0.0.1:${port}`);
  const connection = new EngineConnection({ url, preset, key, modelName: undefined });
  try {
    await untilReady(start, process, connection);
    connection.modelName = chooseModelName(await listEngineModels(connection), context.modelName);
    return { process, connection, log };
  } catch (error) {
    connection.close();
    await process.stop();
    throw describeFailure(start, error, await process.ended, log);
  } finally {
    progress.close();
  }
}

/** The name by which an engine is asked for a model: the server's, if it knows that. */
export function chooseModelName(names: readonly string[], ours: string): string {
  return names.includes(ours) ? ours : (names[0] ?? ours);
}

function makeSecret(): string {
  return randomBytes(KEY_BYTES).toString('base64url');
}

function commandOf({ context, settings }: EngineStart, port: number): readonly string[] {
  const { preset, program, model, argv } = settings;
  return [...(preset.command?.({ program, model, port, served: context.modelName }) ?? []), ...argv];
}

function environmentOf(
  { settings, instance }: EngineStart,
  key: EngineKey | undefined,
): Record<string, string> {
  const { keyVariable } = settings.preset;
  return {
    // Not an argument: everyone on the machine sees those.
    ...(keyVariable !== undefined && key !== undefined && { [keyVariable]: key.reveal() }),
    ...(instance.kind === 'KIND_GPU' && {
      CUDA_VISIBLE_DEVICES: visibleGpu(instance.deviceId, process.env['CUDA_VISIBLE_DEVICES']),
    }),
  };
}

async function untilReady(
  { settings, signal }: EngineStart,
  process: EngineProcess,
  connection: EngineConnection,
): Promise<void> {
  const { preset, startTimeoutMs } = settings;
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(LONGEST_POLL_MS, pauseMs * 2)) {
    if (process.hasEnded) throw new Error(ENDED);
    if (signal.aborted) throw new Error('it is no longer wanted');
    if (giveUp.aborted) throw new Error(`it was not ready within ${startTimeoutMs / 1000} s`);
    const { result } = await probeEngine(connection, preset.health ?? '/health');
    if (result === 'ok') return;
    await Promise.race([delay(pauseMs, undefined, { signal: giveUp }).catch(() => undefined), process.ended]);
  }
}

const ENDED = 'it ended';

function describeFailure(
  { context }: EngineStart,
  error: unknown,
  how: string,
  log: EngineLog,
): InferenceServerError {
  const why = error instanceof Error ? error.message : String(error);
  const what = why === ENDED ? how : `did not get ready: ${why}`;
  const words = log.reason === '' ? '' : `: ${log.reason}`;
  const message = `the engine of model '${context.modelName}' ${what}${words}`;
  return new InferenceServerError('UNAVAILABLE', message, { cause: error });
}

/** Tells how far a start is: what the engine's log says, and how long it has taken. */
class Progress {
  readonly #context: ModelContext;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #last = 'starting the engine';

  constructor(context: ModelContext) {
    this.#context = context;
    context.reportProgress(this.#last);
    this.#timer = setInterval(() => this.#reportTime(), REPORT_MS).unref();
  }

  onLine(line: string): void {
    const text = progressOf(line);
    if (text === undefined || text === this.#last) return;
    this.#last = text;
    this.#context.reportProgress(text);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #reportTime(): void {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    this.#context.reportProgress(`${this.#last} (${seconds} s since the start)`);
  }
}
