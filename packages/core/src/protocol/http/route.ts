/** How the plugins add their paths. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendJson } from './answer.ts';
import { sendError, sendErrorText } from './error-handler.ts';
import type { HttpContext } from './http-services.ts';
import { isAllowed, restrictionOf, type HttpApi } from './restriction.ts';

/** What stands in the path, percent-decoded. */
export interface PathParams {
  readonly model?: string;
  /** Digits. */
  readonly version?: string;
  readonly region?: string;
}

/** A request whose body has not been read. */
export type HttpRequest = FastifyRequest<{ Params: PathParams }>;

/** Answers a request, now or later. What it throws becomes the answer. */
export type RouteHandler = (request: HttpRequest, response: ServerResponse) => void;

/** A path, with a handler for each method that it takes. */
export interface Route {
  readonly path: string;
  readonly api: HttpApi;
  readonly get?: RouteHandler;
  readonly post?: RouteHandler;
}

/** The paths of a model and of one version of it. Names and versions are never empty. */
export function modelPaths(suffix: string): readonly string[] {
  const model = '/v2/models/:model(^.+$)';
  return [model + suffix, `${model}/versions/:version(^[0-9]+$)${suffix}`];
}

/** Adds a path. The restriction is looked at before the method. */
export function addRoute(app: FastifyInstance, context: HttpContext, route: Route): void {
  const { path, api, get, post } = route;
  const restriction = restrictionOf(api, context.restrictions);
  app.route<{ Params: PathParams }>({
    url: path,
    // All methods in one route: those without a handler are answered here, too.
    method: app.supportedMethods,
    handler: (request, reply) => {
      // Answers are written without Fastify, which needs several times as long.
      reply.hijack();
      const response = reply.raw;
      if (restriction !== undefined && !isAllowed(restriction, request.raw.headers)) {
        sendErrorText(response, 403, `This API is restricted, expecting header '${restriction.header}'`);
        return;
      }
      const handle = selectHandler(request.method, get, post);
      if (handle === undefined) {
        sendErrorText(response, 405, 'Method Not Allowed');
        return;
      }
      try {
        handle(request, response);
      } catch (reason) {
        sendError(response, reason, context.logger);
      }
    },
  });
}

function selectHandler(
  method: string,
  get: RouteHandler | undefined,
  post: RouteHandler | undefined,
): RouteHandler | undefined {
  if (method === 'POST') return post;
  return method === 'GET' ? get : undefined;
}

/** A handler that answers with the JSON of what a function gives; without a body when that is undefined. */
export function jsonHandler(
  { logger }: HttpContext,
  answer: (request: HttpRequest, response: ServerResponse) => unknown,
): RouteHandler {
  const run = async (request: HttpRequest, response: ServerResponse): Promise<void> => {
    try {
      sendJson(response, await answer(request, response));
    } catch (reason) {
      sendError(response, reason, logger);
    }
  };
  return (request, response) => {
    void run(request, response);
  };
}
