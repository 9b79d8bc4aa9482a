/** The HTTP endpoint: which paths there are, limits, listening and closing. */
import fastify, { type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify';
import { refuseMalformedRequest, sendNotFound } from './error-handler.ts';
import { health } from './health.ts';
import type { HttpContext, HttpServices } from './http-services.ts';
import { infer } from './infer.ts';
import { close, listen, type ListenOptions } from './listener.ts';
import { logging } from './logging.ts';
import { metadata } from './metadata.ts';
import { modelConfig } from './model-config.ts';
import { repository } from './repository.ts';
import type { HttpRestriction } from './restriction.ts';
import { sharedMemory } from './shared-memory.ts';
import { statistics } from './statistics.ts';
import { trace } from './trace.ts';

/** The V2 protocol and its extensions. */
const PLUGINS = [health, metadata, modelConfig, infer, repository, statistics, sharedMemory, trace, logging];

export interface HttpOptions extends ListenOptions {
  /** `--http-max-input-size`: limit for JSON, decompressed and raw bodies, in bytes. */
  readonly maxInputSize: number;
  readonly restrictions: readonly HttpRestriction[];
  /** Headers whose names match become request parameters. */
  readonly headerForwardPattern?: RegExp;
}

export interface HttpServer {
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
  inject(request: InjectOptions): Promise<LightMyRequestResponse>;
}

export function createHttpServer(services: HttpServices, options: HttpOptions): HttpServer {
  const app = createApp();
  const context: HttpContext = {
    inference: services.inference,
    management: services.management,
    health: services.health,
    logger: services.logger,
    tracer: services.tracer,
    maxInputSize: options.maxInputSize,
    restrictions: options.restrictions,
    headerForwardPattern: options.headerForwardPattern,
  };
  for (const plugin of PLUGINS) app.register(plugin, context);
  return {
    listen: async () => {
      await app.ready();
      return listen(app.server, options);
    },
    close: (graceMs) => close(app.server, graceMs),
    inject: (request) => app.inject(request),
  };
}

function createApp(): FastifyInstance {
  const app = fastify({
    clientErrorHandler: refuseMalformedRequest,
    exposeHeadRoutes: false,
    frameworkErrors: (_error, request, reply) => {
      reply.hijack();
      sendNotFound(request.raw, reply.raw);
    },
    // Finds clients that have gone without a word.
    http: { keepAlive: true },
    routerOptions: { maxParamLength: Number.MAX_SAFE_INTEGER },
  });
  // A client may hold its connection as long as it likes.
  app.server.keepAliveTimeout = 0;
  // Bodies are read by the handlers, whatever their content type.
  for (const method of app.supportedMethods) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  app.setNotFoundHandler((request, reply) => {
    reply.hijack();
    sendNotFound(request.raw, reply.raw);
  });
  return app;
}
