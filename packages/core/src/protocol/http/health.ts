import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { sendBody } from './answer.ts';
import { sendError, sendErrorText } from './error-handler.ts';
import type { HttpContext } from './http-services.ts';
import { addRoute, modelPaths, type HttpRequest } from './route.ts';

/** Whether the server is live, whether it is ready, and whether a model is. Answers have no body when all is well. */
export function health(app: FastifyInstance, context: HttpContext): void {
  const service = context.health;
  addRoute(app, context, {
    path: '/v2/health/live',
    api: 'health',
    get: (_request, response) => {
      sendState(response, service.live());
    },
  });
  addRoute(app, context, {
    path: '/v2/health/ready',
    api: 'health',
    get: (_request, response) => {
      sendState(response, service.ready());
    },
  });
  const get = (request: HttpRequest, response: ServerResponse): void => {
    void sendModelReady(context, request, response);
  };
  for (const path of modelPaths('/ready')) addRoute(app, context, { path, api: 'health', get });
}

async function sendModelReady(
  { health: service, logger }: HttpContext,
  { params }: HttpRequest,
  response: ServerResponse,
): Promise<void> {
  try {
    if (await service.modelReady(params.model ?? '', params.version ?? '')) sendState(response, true);
    else sendErrorText(response, 400, 'Model version not ready');
  } catch (reason) {
    sendError(response, reason, logger);
  }
}

function sendState(response: ServerResponse, isGood: boolean): void {
  sendBody(response, isGood ? 200 : 400, 'text/plain', '');
}
