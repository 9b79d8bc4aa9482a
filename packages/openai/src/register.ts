/** Which paths there are below `/v1`. */
import type {
  HttpRequestHead,
  HttpPlugin,
  HttpPluginContext,
  PluginRequest,
  PluginRoute,
  PluginRouteHandler,
} from '@nereid/backend-sdk/http';
import type { Parameters as RequestParameters } from '@nereid/protocol';
import { ConnectionAnswer } from './answer.ts';
import { ask } from './ask.ts';
import { CHAT_COMPLETIONS } from './chat-completions.ts';
import { CLIENT_KEY_PARAMETER, clientKeyOf } from './client-key.ts';
import { COMPLETIONS } from './completions.ts';
import { EMBEDDINGS } from './embeddings.ts';
import type { ClientExchange } from './exchange.ts';
import { ModelApis } from './model-api.ts';
import { findModel } from './model-lookup.ts';
import { modelHandlers } from './models.ts';
import { refusal, sendOpenAiError } from './openai-error.ts';
import { parseBody } from './request-body.ts';
import { respond } from './responses.ts';
import { unixTime } from './unix-time.ts';

/** The HTTP endpoint that plugins add to. */
type HttpApp = Parameters<HttpPlugin['register']>[0];

/** Adds the paths. */
export function registerOpenAi(app: HttpApp, context: HttpPluginContext): void {
  const loraSeparator = context.settings['lora-separator'] ?? ':';
  const route = (added: Omit<PluginRoute, 'sendError'>): void =>
    context.route(app, { ...added, sendError: sendOpenAiError });
  const models = modelHandlers(context, { loraSeparator, created: unixTime() });
  // As in Triton, whose front end has listing, loading and unloading in one group.
  route({ path: '/v1/models', api: 'model-repository', get: models.list });
  route({ path: '/v1/models/:id', api: 'model-repository', get: models.get });
  route({ path: '/v1/models/:id/load', api: 'model-repository', post: models.load });
  route({ path: '/v1/models/:id/unload', api: 'model-repository', post: models.unload });
  const receive = receiver(context, loraSeparator);
  for (const endpoint of [CHAT_COMPLETIONS, COMPLETIONS, EMBEDDINGS]) {
    const post = receive((exchange) => ask(endpoint, exchange));
    route({ path: endpoint.path, api: 'inference', post, get: refuseMethod });
  }
  route({ path: '/v1/responses', api: 'inference', post: receive(respond), get: refuseMethod });
  route({ path: '/v1/*', api: 'metadata', get: refusePath, post: refusePath });
}

/** @returns What makes a handler that reads the body, finds its model, and has it asked. */
function receiver(
  context: HttpPluginContext,
  loraSeparator: string,
): (handle: (exchange: ClientExchange) => void) => PluginRouteHandler {
  const apis = new ModelApis(context.logger);
  return (handle) => async (request, response) => {
    const body = parseBody(await context.readBody(request, response));
    const { model, lora } = findModel(context, body.model, loraSeparator);
    handle({
      context,
      request: request.raw,
      connection: response,
      answer: new ConnectionAnswer(response),
      body,
      model,
      api: apis.of(model),
      parameters: parametersOf(request.raw, lora),
    });
  };
}

function parametersOf({ headers }: HttpRequestHead, lora: string | undefined): RequestParameters {
  const clientKey = clientKeyOf(headers);
  return {
    ...(lora === undefined ? {} : { lora_name: lora }),
    ...(clientKey === undefined ? {} : { [CLIENT_KEY_PARAMETER]: clientKey }),
  };
}

function refuseMethod({ raw: { method = '', url = '' } }: PluginRequest): never {
  throw refusal(`${url} takes no ${method}`, { status: 405, code: 'method_not_allowed' });
}

function refusePath({ raw: { method = '', url = '' } }: PluginRequest): never {
  throw refusal(`unknown path: ${method} ${url}`, { status: 404, code: 'unknown_url' });
}
