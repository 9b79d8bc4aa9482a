/** How the plugins add their paths. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from '@nereid/backend-sdk';
import type { HttpAnswer, HttpRequestHead } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { sendJson } from './answer.ts';
import { sendError, sendErrorText } from './error-handler.ts';
import type { HttpContext } from './http-services.ts';
import { isAllowed, restrictionOf, type HttpRestriction } from './restriction.ts';
import type { HttpRequest, PathParams, Refuse, Route, RouteHandler } from './route-table.ts';

/** The paths of a model and of one version of it. Names and versions are never empty. */
export function modelPaths(suffix: string): readonly string[] {
  const model = '/v2/models/:model(^.+$)';
  return [model + suffix, `${model}/versions/:version(^[0-9]+$)${suffix}`];
}

/**
 * The handler of a method with what holds for all: the request is logged, whoever may not ask is refused, and what is thrown
 * is answered.
 *
 * @returns undefined when the path does not take the method.
 */
export function guardedHandler(
  { logger, restrictions }: HttpContext,
  route: Route,
  method: 'GET' | 'POST',
): RouteHandler | undefined {
  const handle = method === 'GET' ? route.get : route.post;
  if (handle === undefined) return undefined;
  const guard = guardOf(route, restrictions);
  return (request, answer) => {
    logRequest(request.raw, logger);
    try {
      if (!isRefused(guard, request.raw, answer)) handle(request, answer);
    } catch (reason) {
      sendError(answer, reason, logger);
    }
  };
}

/** Adds a path to Fastify's router. */
export function addToFastify(app: FastifyInstance, context: HttpContext, route: Route): void {
  for (const method of ['GET', 'POST'] as const) {
    const handle = guardedHandler(context, route, method);
    if (handle === undefined) continue;
    app.route<{ Params: PathParams }>({
      method,
      url: route.path,
      handler: (request, reply) => {
        // Answers are written whole and at once: Fastify's serializers and hooks have nothing to do.
        reply.hijack();
        handle(request, reply.raw);
      },
    });
  }
}

/** Notes a request in the log, at verbose level 1. */
export function logRequest({ method = '', url = '' }: HttpRequestHead, logger: Logger): void {
  logger.verbose(1, `HTTP request: ${method} ${url}`);
}

/** Answers a request that no handler takes: its path is unknown, or its method. */
export function sendUnmatched(
  { table, restrictions, logger }: HttpContext,
  request: HttpRequestHead,
  answer: HttpAnswer,
): void {
  logRequest(request, logger);
  const route = table.routeOf(request.url ?? '');
  if (route === undefined) {
    sendErrorText(answer, 404, 'Not Found');
  } else if (!isRefused(guardOf(route, restrictions), request, answer)) {
    const text = 'Method Not Allowed';
    if (route.refuse === undefined) sendErrorText(answer, 405, text);
    else route.refuse(answer, new InferenceServerError('UNSUPPORTED', text), 405);
  }
}

/** Who may use a path, and how others are told. */
interface RouteGuard {
  readonly restriction: HttpRestriction | undefined;
  readonly refuse: Refuse | undefined;
}

function guardOf({ api, refuse }: Route, restrictions: readonly HttpRestriction[]): RouteGuard {
  return { restriction: restrictionOf(api, restrictions), refuse };
}

/** Whether a request lacks its key; it is then answered. The restriction is looked at before the method. */
function isRefused(
  { restriction, refuse }: RouteGuard,
  { headers }: HttpRequestHead,
  answer: HttpAnswer,
): boolean {
  if (restriction === undefined || isAllowed(restriction, headers)) return false;
  const text = `This API is restricted, expecting header '${restriction.header}'`;
  if (refuse === undefined) sendErrorText(answer, 403, text);
  else refuse(answer, new InferenceServerError('UNAVAILABLE', text), 401);
  return true;
}

/** A handler that answers with the JSON of what a function gives; without a body when that is undefined. */
export function jsonHandler(
  { logger }: HttpContext,
  answer: (request: HttpRequest, response: HttpAnswer) => unknown,
): RouteHandler {
  const run = async (request: HttpRequest, response: HttpAnswer): Promise<void> => {
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
