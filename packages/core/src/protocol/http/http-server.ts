/** The HTTP endpoint: which paths there are, limits, listening and closing. */
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import type { HttpPlugin } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import type { PlainListener } from '../http1/http1-connection.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { generate } from './generate.ts';
import { health } from './health.ts';
import type { HttpContext, HttpServices } from './http-services.ts';
import { infer } from './infer.ts';
import { JsonThread } from './json-thread.ts';
import type { ListenOptions } from '../listen-on.ts';
import { HttpEndpoint } from './http-endpoint.ts';
import { logging } from './logging.ts';
import { metadata } from './metadata.ts';
import { modelConfig } from './model-config.ts';
import { createPluginContext } from './plugin-context.ts';
import { repository } from './repository.ts';
import type { HttpRestriction } from './restriction.ts';
import { RouteTable } from './route-table.ts';
import { guardedHandler } from './route.ts';
import { sharedMemory } from './shared-memory.ts';
import { statistics } from './statistics.ts';
import { trace } from './trace.ts';

/** The V2 protocol and its extensions. */
const EXTENSIONS = [
  health,
  metadata,
  modelConfig,
  infer,
  generate,
  repository,
  statistics,
  sharedMemory,
  trace,
  logging,
];

export interface HttpOptions extends ListenOptions {
  /** `--http-max-input-size`: limit for JSON, decompressed and raw bodies, in bytes. */
  readonly maxInputSize: number;
  /** `--stream-timeout-secs`, in milliseconds: how long a client may take nothing of a streamed answer; 0: any time. */
  readonly streamTimeoutMs: number;
  readonly restrictions: readonly HttpRestriction[];
  /** Headers whose names match become request parameters. */
  readonly headerForwardPattern?: RegExp;
}

/** A plugin, and what the command line gives it. */
export interface GivenHttpPlugin {
  readonly plugin: HttpPlugin;
  readonly settings: Readonly<Record<string, string>>;
}

/** Imports a plugin. */
export type PluginLoader = () => Promise<GivenHttpPlugin>;

export interface HttpServer {
  /**
   * Loads what is not needed for plain requests: Node's server, and the plugins, which add their paths. A request that
   * comes before it waits for it.
   *
   * @throws InferenceServerError of the first plugin that fails. All else is served.
   */
  prepare(): Promise<void>;
  /**
   * @returns The port it listens on.
   * @throws InferenceServerError UNAVAILABLE when the port cannot be had.
   */
  listen(): Promise<{ readonly port: number }>;
  /**
   * Takes no new connections, lets the running requests end, and closes idle connections at once.
   *
   * @param graceMs - After this many milliseconds the running requests are cut off.
   */
  close(graceMs: number): Promise<void>;
  /** Answers a request without a network. */
  inject(request: InjectOptions | string): Promise<LightMyRequestResponse>;
}

/** What `prepare` makes. */
interface PreparedApp {
  readonly app: FastifyInstance;
  /** Plugins that failed. */
  readonly problems: readonly InferenceServerError[];
}

export function createHttpServer(
  services: HttpServices,
  options: HttpOptions,
  plugins: readonly PluginLoader[] = [],
): HttpServer {
  const { logger } = services;
  const json = new JsonThread();
  const context: HttpContext = {
    inference: services.inference,
    management: services.management,
    health: services.health,
    logger,
    tracer: services.tracer,
    maxInputSize: options.maxInputSize,
    streamTimeoutMs: options.streamTimeoutMs,
    json,
    restrictions: options.restrictions,
    headerForwardPattern: options.headerForwardPattern,
    table: new RouteTable(),
  };
  for (const addRoutes of EXTENSIONS) addRoutes(context);
  let preparing: Promise<PreparedApp> | undefined;
  const prepare = (): Promise<PreparedApp> => (preparing ??= prepareApp(context, plugins));
  const endpoint = new HttpEndpoint({
    find: (head) => findListener(context, head),
    createNodeServer: async () => (await prepare()).app.server,
    onFailure: (cause) => logger.error('HTTP requests that are not plain cannot be served', { cause }),
  });
  return {
    prepare: async () => {
      const { problems } = await prepare();
      await endpoint.prepare();
      for (const problem of problems) throw problem;
    },
    listen: () => endpoint.listen(options),
    close: async (graceMs) => {
      await endpoint.close(graceMs);
      await json.close();
    },
    inject: async (request) => (await prepare()).app.inject(request),
  };
}

/** Whom plain requests of this head are for. */
function findListener(context: HttpContext, { method, url }: RequestHead): PlainListener | undefined {
  const match = context.table.find(url);
  if (match === undefined) return undefined;
  const { route, params } = match;
  const handle = guardedHandler(context, route, method);
  return handle && ((request, answer) => handle({ params, raw: request }, answer));
}

/** Loading Fastify takes a fifth of a start: the port is open before it. */
async function prepareApp(context: HttpContext, plugins: readonly PluginLoader[]): Promise<PreparedApp> {
  const { createFastifyApp } = await import('./fastify-app.ts');
  const app = createFastifyApp(context);
  const problems: InferenceServerError[] = [];
  for (const load of plugins) {
    try {
      await addPlugin(app, context, await load());
    } catch (reason) {
      problems.push(InferenceServerError.from(reason));
    }
  }
  await app.ready();
  return { app, problems };
}

async function addPlugin(
  app: FastifyInstance,
  context: HttpContext,
  { plugin, settings }: GivenHttpPlugin,
): Promise<void> {
  try {
    await plugin.register(app, createPluginContext(context, settings));
  } catch (cause) {
    const { code, message } = InferenceServerError.from(cause);
    throw new InferenceServerError(code, `HTTP plugin '${plugin.name}': ${message}`, { cause });
  }
}
