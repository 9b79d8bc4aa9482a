/** The HTTP endpoint: which paths there are, limits, listening and closing. */
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type InjectOptions,
  type LightMyRequestResponse,
} from 'fastify';
import type { Logger } from '@nereid/backend-sdk';
import type { HttpPlugin } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { refuseMalformedRequest, sendErrorText } from './error-handler.ts';
import { generate } from './generate.ts';
import { health } from './health.ts';
import type { HttpContext, HttpServices, KnownPath } from './http-services.ts';
import { infer } from './infer.ts';
import { JsonThread } from './json-thread.ts';
import { close, listen, type ListenOptions } from './listener.ts';
import { logging } from './logging.ts';
import { metadata } from './metadata.ts';
import { modelConfig } from './model-config.ts';
import { createPluginContext } from './plugin-context.ts';
import { repository } from './repository.ts';
import type { HttpRestriction } from './restriction.ts';
import { logRequest, sendUnmatched } from './route.ts';
import { sharedMemory } from './shared-memory.ts';
import { statistics } from './statistics.ts';
import { trace } from './trace.ts';

/** The V2 protocol and its extensions. Called as they are: registering them one by one makes the start slower. */
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
  const paths: KnownPath[] = [];
  const app = createApp(paths, services.logger);
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
    paths,
  };
  for (const addRoutes of EXTENSIONS) addRoutes(app, context);
  return {
    addPlugins: async (plugins) => {
      for (const plugin of plugins) await addPlugin(app, context, plugin);
    },
    listen: async () => {
      await app.ready();
      return listen(app.server, options);
    },
    close: async (graceMs) => {
      await close(app.server, graceMs);
      await json.close();
    },
    inject: (request) => app.inject(request),
  };
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

function createApp(paths: readonly KnownPath[], logger: Logger): FastifyInstance {
  const sendUnmatchedReply = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    logRequest(request.raw, logger);
    sendUnmatched(paths, request.raw, reply.raw);
  };
  const app = fastify({
    clientErrorHandler: refuseMalformedRequest,
    exposeHeadRoutes: false,
    // A path that cannot be decoded.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack();
      sendErrorText(reply.raw, 404, 'Not Found');
    },
    // Finds clients that have gone without a word.
    http: { keepAlive: true },
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
    // No route has a schema, and Fastify's own compilers would be loaded at the start all the same.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
  // A client may hold its connection as long as it likes.
  app.server.keepAliveTimeout = 0;
  // Bodies are read by the handlers, whatever their content type.
  for (const method of app.supportedMethods) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  app.setNotFoundHandler(sendUnmatchedReply);
  return app;
}

function noSchemas(): never {
  throw new Error('routes have no schemas');
}
