/** Node's HTTP server with Fastify's router: for all requests that are not plain, and for what plugins add to it. */
import { createServer } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { refuseMalformedRequest, sendErrorText } from './error-handler.ts';
import type { HttpContext } from './http-services.ts';
import { RequestTurns } from './request-turns.ts';
import { addToFastify, sendUnmatched } from './route.ts';

/** It knows all paths that were added to the table. */
export function createFastifyApp(context: HttpContext): FastifyInstance {
  let turns: RequestTurns | undefined;
  const app = fastify({
    clientErrorHandler: (error, socket) => turns?.onError(error, socket),
    exposeHeadRoutes: false,
    // A path that cannot be decoded.
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack();
      sendErrorText(reply.raw, 404, 'Not Found');
    },
    serverFactory: (serve) => {
      turns = new RequestTurns(serve, refuseMalformedRequest);
      // Load balancers that ask by hand leave the host out; nothing here depends on it.
      return createServer({ requireHostHeader: false }, turns.onRequest);
    },
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
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    sendUnmatched(context, request.raw, reply.raw);
  });
  for (const route of context.table.routes) addToFastify(app, context, route);
  return app;
}

function noSchemas(): never {
  throw new Error('routes have no schemas');
}
