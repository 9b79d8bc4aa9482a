/** How the plugins add their paths. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { sendJson } from './answer.ts';
import { sendError, sendErrorText } from './error-handler.ts';
import type { HttpContext, KnownPath, Refuse, RouteGuard } from './http-services.ts';
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
  /** Answers what comes to no handler, a missing key (status 401) or another method (405). Default: as V2 does. */
  readonly refuse?: Refuse;
}

/** The paths of a model and of one version of it. Names and versions are never empty. */
export function modelPaths(suffix: string): readonly string[] {
  const model = '/v2/models/:model(^.+$)';
  return [model + suffix, `${model}/versions/:version(^[0-9]+$)${suffix}`];
}

/** Adds a path. The restriction is looked at before the method. */
export function addRoute(app: FastifyInstance, context: HttpContext, route: Route): void {
  const { path: url, api, get, post, refuse } = route;
  const restriction = restrictionOf(api, context.restrictions);
  const guard = { restriction, refuse };
  context.paths.push({ pattern: toPattern(url), ...guard });
  const add = (method: 'GET' | 'POST', handle: RouteHandler): void => {
    app.route<{ Params: PathParams }>({
      method,
      url,
      handler: toHandler(handle, guard, context.logger),
    });
  };
  if (get !== undefined) add('GET', get);
  if (post !== undefined) add('POST', post);
}

function toPattern(url: string): RegExp {
  const source = url.replaceAll(/:(\w+)(\(.*?\$\))?/g, (_, name) =>
    name === 'version' ? '[0-9]+' : '[^/]+',
  );
  // What stands for any rest of a path.
  if (source.endsWith('/*')) return new RegExp(`^${source.slice(0, -1)}.*$`);
  return new RegExp(`^${source}$`);
}

function toHandler(
  handle: RouteHandler,
  guard: RouteGuard,
  logger: Logger,
): (request: HttpRequest, reply: FastifyReply) => void {
  return (request, reply) => {
    // Answers are written whole and at once: Fastify's serializers and hooks have nothing to do.
    reply.hijack();
    const response = reply.raw;
    logRequest(request.raw, logger);
    try {
      if (!isRestricted(guard, request.raw, response)) handle(request, response);
    } catch (reason) {
      sendError(response, reason, logger);
    }
  };
}

/** Notes a request in the log, at verbose level 1. */
export function logRequest({ method = '', url = '' }: IncomingMessage, logger: Logger): void {
  logger.verbose(1, `HTTP request: ${method} ${url}`);
}

/** Answers a request that no route takes: its path is unknown, or its method. */
export function sendUnmatched(
  paths: readonly KnownPath[],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [path = ''] = (request.url ?? '').split('?');
  const known = paths.find(({ pattern }) => pattern.test(path));
  if (known === undefined) {
    sendErrorText(response, 404, 'Not Found');
  } else if (!isRestricted(known, request, response)) {
    const text = 'Method Not Allowed';
    if (known.refuse === undefined) sendErrorText(response, 405, text);
    else known.refuse(response, new InferenceServerError('UNSUPPORTED', text), 405);
  }
}

/** Whether a request lacks its key; it is then answered. */
function isRestricted(
  { restriction, refuse }: RouteGuard,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (restriction === undefined || isAllowed(restriction, request.headers)) return false;
  const text = `This API is restricted, expecting header '${restriction.header}'`;
  if (refuse === undefined) sendErrorText(response, 403, text);
  else refuse(response, new InferenceServerError('UNAVAILABLE', text), 401);
  return true;
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
