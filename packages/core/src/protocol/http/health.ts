import type { HttpAnswer } from '@nereid/backend-sdk/http';
import { sendBody } from './answer.ts';
import { sendError, sendErrorText } from './error-handler.ts';
import type { HttpContext } from './http-services.ts';
import type { HttpRequest } from './route-table.ts';
import { modelPaths } from './route.ts';

/** Whether the server is live, whether it is ready, and whether a model is. Answers have no body when all is well. */
export function health(context: HttpContext): void {
  const service = context.health;
  context.table.add({
    path: '/v2/health/live',
    api: 'health',
    get: (_request, response) => {
      sendState(response, service.live());
    },
  });
  context.table.add({
    path: '/v2/health/ready',
    api: 'health',
    get: (_request, response) => {
      sendState(response, service.ready());
    },
  });
  const get = (request: HttpRequest, response: HttpAnswer): void => {
    void sendModelReady(context, request, response);
  };
  for (const path of modelPaths('/ready')) context.table.add({ path, api: 'health', get });
}

async function sendModelReady(
  { health: service, logger }: HttpContext,
  { params }: HttpRequest,
  response: HttpAnswer,
): Promise<void> {
  try {
    if (await service.modelReady(params.model ?? '', params.version ?? '')) sendState(response, true);
    else sendErrorText(response, 400, 'Model version not ready');
  } catch (reason) {
    sendError(response, reason, logger);
  }
}

function sendState(response: HttpAnswer, isGood: boolean): void {
  sendBody(response, isGood ? 200 : 400, 'text/plain', '');
}
