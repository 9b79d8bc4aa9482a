/** The HTTP endpoint: which paths there are, limits, listening and closing. */
import type { Socket } from 'node:net';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import type { HttpPlugin } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { Http1Server } from '../http1/http1-server.ts';
import type { PlainListener } from '../http1/http1-connection.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { refuseSlowRequest } from './error-handler.ts';
import { createFastifyApp } from './fastify-app.ts';
import { generate } from './generate.ts';
import { health } from './health.ts';
import type { HttpContext, HttpServices } from './http-services.ts';
import { infer } from './infer.ts';
import { JsonThread } from './json-thread.ts';
import { closeConnections, listen, type ListenOptions } from './listener.ts';
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

export interface HttpServer {
  /**
   * Adds the paths of plugins; to be called before `listen`.
   *
   * @throws InferenceServerError naming a plugin that fails.
   */
  addPlugins(plugins: readonly GivenHttpPlugin[]): Promise<void>;
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

export function createHttpServer(services: HttpServices, options: HttpOptions): HttpServer {
  const json = new JsonThread();
  const context: HttpContext = {
    inference: services.inference,
    management: services.management,
    health: services.health,
    logger: services.logger,
    tracer: services.tracer,
    maxInputSize: options.maxInputSize,
    streamTimeoutMs: options.streamTimeoutMs,
    json,
    restrictions: options.restrictions,
    headerForwardPattern: options.headerForwardPattern,
    table: new RouteTable(),
  };
  for (const addRoutes of EXTENSIONS) addRoutes(context);
  const app = createFastifyApp(context);
  const server = new Http1Server({
    find: (head) => findListener(context, head),
    adopt: (socket) => adopt(app, socket),
    refuseSlow: refuseSlowRequest,
  });
  return {
    addPlugins: async (plugins) => {
      for (const plugin of plugins) await addPlugin(app, context, plugin);
    },
    listen: async () => {
      await app.ready();
      // Node's server listens nowhere itself; with this it looks after its connections, as one that does.
      app.server.emit('listening');
      return listen(server.socketServer, options);
    },
    close: async (graceMs) => {
      const closed = server.close();
      app.server.close();
      await closeConnections(app.server, closed, graceMs, () => server.destroyConnections());
      await json.close();
    },
    inject: (request) => app.inject(request),
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

/** Makes a connection one of Node's server. */
function adopt({ server }: FastifyInstance, socket: Socket): void {
  server.emit('connection', socket);
  socket.resume();
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
