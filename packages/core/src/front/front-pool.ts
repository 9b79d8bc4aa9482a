/** The fronts of a server: so many threads that serve the protocols at the same ports. */
import { createServer } from 'node:net';
import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { GrpcEndpointOptions, HttpEndpointOptions } from '../options/resolve-endpoints.ts';
import { collectWhenIdle } from '../memory/idle-collection.ts';
import type { HttpPluginSource } from '../plugin/plugin-registry.ts';
import { listenOn } from '../protocol/listen-on.ts';
import type { ServerLogger } from '../telemetry/logger.ts';
import type { Tracer } from '../telemetry/trace.ts';
import { FrontChannel } from './front-channel.ts';
import type { FrontBackend } from './front-link.ts';
import {
  clockZero,
  SETTING_COUNT,
  TRACING,
  VERBOSE_LEVEL,
  type FrontProtocol,
  type FrontState,
} from './front-messages.ts';

/** What fronts serve. */
export interface FrontPoolParts extends Omit<FrontBackend, 'tracer' | 'logger'> {
  readonly tracer: Pick<Tracer, 'start' | 'isOn'>;
  readonly logger: Pick<ServerLogger, 'child' | 'settings'>;
  /** Another number whenever other model versions can be had. */
  readonly modelChanges: Int32Array;
}

export interface FrontPoolOptions {
  /** How many. */
  readonly threads: number;
  readonly http: HttpEndpointOptions | undefined;
  readonly grpc: GrpcEndpointOptions | undefined;
  readonly httpPlugins: readonly HttpPluginSource[];
}

/** Milliseconds until a front that could not take the place of another is tried again. */
const RETRY_MS = 1000;

const NAMES: Readonly<Record<FrontProtocol, string>> = { http: 'HTTP', grpc: 'gRPC' };

/**
 * Starts fronts, and another one for each that dies: its connections are lost then, what it asked for is cancelled, and
 * all else goes on.
 */
export class FrontPool {
  readonly #parts: FrontPoolParts;
  readonly #options: FrontPoolOptions;
  readonly #logger: Logger;
  readonly #state: FrontState;
  readonly #fronts = new Set<FrontChannel>();
  /** Ports that all fronts listen at. */
  readonly #ports = new Map<FrontProtocol, number>();
  /** Of what the fronts have handed over. */
  #idleCollection: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(parts: FrontPoolParts, options: FrontPoolOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#logger = parts.logger.child('front');
    const settings = new Int32Array(new SharedArrayBuffer(4 * SETTING_COUNT));
    this.#state = { modelChanges: parts.modelChanges, settings };
  }

  /** The threads that run now. */
  get fronts(): ReadonlySet<FrontChannel> {
    return this.#fronts;
  }

  /** @throws InferenceServerError when an option is wrong, a certificate say. */
  async prepare(): Promise<void> {
    this.#refresh();
    this.#idleCollection = collectWhenIdle();
    const { threads } = this.#options;
    await Promise.all(Array.from({ length: threads }, () => this.#start().command({ kind: 'prepare' })));
  }

  /**
   * @returns The port that all fronts listen at.
   * @throws InferenceServerError UNAVAILABLE when the port cannot be had.
   */
  async listen(protocol: FrontProtocol): Promise<{ readonly port: number }> {
    const endpoint = this.#options[protocol];
    if (endpoint === undefined) throw new InferenceServerError('INTERNAL', `${NAMES[protocol]} is off`);
    if (!endpoint.reusePort) await assertFree(protocol, endpoint);
    const [first, ...others] = this.#fronts;
    const port = Number(await first?.command({ kind: 'listen', protocol, port: endpoint.port }));
    this.#ports.set(protocol, port);
    await Promise.all(others.map((front) => front.command({ kind: 'listen', protocol, port })));
    return { port };
  }

  /** Takes no new requests and waits for the running ones, at most that long. */
  async closeProtocol(protocol: FrontProtocol, graceMs: number): Promise<void> {
    this.#ports.delete(protocol);
    // One that has died meanwhile has nothing to end.
    const end = (front: FrontChannel): Promise<unknown> =>
      front.command({ kind: 'close', protocol, graceMs }).catch(() => undefined);
    await Promise.all([...this.#fronts].map(end));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#idleCollection);
    await Promise.all([...this.#fronts].map((front) => front.terminate()));
  }

  #start(): FrontChannel {
    const { inference, management, health, tracer, logger } = this.#parts;
    const { http, grpc, httpPlugins } = this.#options;
    const front = new FrontChannel({
      inference,
      management,
      health,
      tracer,
      logger: this.#logger,
      start: { http, grpc, httpPlugins, state: this.#state, clockZero: clockZero() },
      child: (component) => logger.child(component),
      refresh: () => this.#refresh(),
      onExit: (reason) => {
        this.#fronts.delete(front);
        if (this.#isClosing) return;
        this.#logger.error(
          `a front has ended, and its connections with it: ${reason}; another takes its place`,
        );
        void this.#replace();
      },
    });
    this.#fronts.add(front);
    return front;
  }

  async #replace(): Promise<void> {
    const front = this.#start();
    try {
      for (const [protocol, port] of this.#ports) await front.command({ kind: 'listen', protocol, port });
    } catch (error) {
      if (this.#isClosing || !this.#fronts.delete(front)) return;
      const { message } = InferenceServerError.from(error);
      this.#logger.error(`the front that takes its place can't serve: ${message}; another try follows`);
      await front.terminate();
      setTimeout(() => {
        if (!this.#isClosing) void this.#replace();
      }, RETRY_MS).unref();
    }
  }

  #refresh(): void {
    const { logger, tracer } = this.#parts;
    Atomics.store(this.#state.settings, VERBOSE_LEVEL, logger.settings.log_verbose_level);
    Atomics.store(this.#state.settings, TRACING, tracer.isOn ? 1 : 0);
  }
}

/** Fronts share their port, and would share it with another server, too: nobody else may have it when they begin. */
async function assertFree(
  protocol: FrontProtocol,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  try {
    await listenOn(probe, { address, port, reusePort: false });
  } catch (cause) {
    const { message: reason } = InferenceServerError.from(cause);
    const message = `cannot listen for ${NAMES[protocol]} on ${address}:${String(port)}: ${reason}`;
    throw new InferenceServerError('UNAVAILABLE', message, { cause });
  }
  await new Promise<void>((resolve) => {
    probe.close(() => resolve());
  });
}
