/** What plugins of the HTTP endpoint get: V2's own ways to add paths, read bodies and run inferences. */
import type {
  HttpAnswer,
  HttpPluginContext,
  HttpRequestHead,
  PluginInference,
  PluginModel,
  PluginResponseHandler,
  PluginRoute,
  PluginRouteHandler,
} from '@nereid/backend-sdk/http';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { logFieldsOf, type RequestTrace } from '../../telemetry/trace.ts';
import { statusOf, tellRetryAfter } from './error-handler.ts';
import { forwardHeaders } from './header-forwarding.ts';
import { addToFastify } from './route.ts';
import { inferWhileConnected, monotonicNs } from './http-inference.ts';
import type { HttpContext } from './http-services.ts';
import { assertJsonSize, collectBody } from './request-body.ts';
import { startHttpTrace, traceStreaming } from './request-trace.ts';
import type { RawRequest, Route, RouteHandler } from './route-table.ts';

/** @param settings - What the command line gives the plugin. */
export function createPluginContext(
  context: HttpContext,
  settings: Readonly<Record<string, string>>,
): HttpPluginContext {
  const { inference, management, logger } = context;
  /** When the headers of traced requests were there. */
  const arrivals = new WeakMap<HttpRequestHead, number>();
  const onArrival = (request: HttpRequestHead): void => {
    if (context.tracer.isOn) arrivals.set(request, monotonicNs());
  };
  return {
    logger,
    settings,
    getModel: (name, version = '') => inference.getModel(name, version),
    readyModels: () => readyModels(context),
    load: (name) => management.loadModel(name, {}),
    unload: (name) => management.unloadModel(name, false),
    route: (app, route) => {
      const handlerOf = (handler: PluginRouteHandler): RouteHandler =>
        toRouteHandler(context, route, (request, response) => {
          onArrival(request.raw);
          return handler(request, response);
        });
      const added: Route = {
        path: route.path,
        api: route.api,
        ...(route.get !== undefined && { get: handlerOf(route.get) }),
        ...(route.post !== undefined && { post: handlerOf(route.post) }),
        refuse: route.sendError,
      };
      context.table.add(added);
      addToFastify(app, context, added);
    },
    readBody: ({ raw }, response) =>
      new Promise((resolve, reject) => {
        // It is the one that the handler got.
        collectBody(raw as RawRequest, response, (error, body) => {
          try {
            if (error !== undefined) throw error;
            assertJsonSize(body, context.maxInputSize);
            resolve(body);
          } catch (reason) {
            reject(InferenceServerError.from(reason));
          }
        });
      }),
    infer: (wanted, request, connection, handler) => {
      const arrivedNs = arrivals.get(request) ?? monotonicNs();
      runInference(context, { wanted, request, connection, handler, arrivedNs });
    },
  };
}

/** Models of several namespaces that share a name have none here: clients of plugins know no namespaces. */
async function readyModels({ inference, management }: HttpContext): Promise<readonly PluginModel[]> {
  const index = await management.repositoryIndex(true);
  const names = [...new Set(index.map(({ name }) => name))].sort();
  return names.flatMap((name) => {
    try {
      return [inference.getModel(name, '')];
    } catch {
      return [];
    }
  });
}

/** Answers what a handler throws, at once or later, as the plugin does. */
function toRouteHandler(
  { logger }: HttpContext,
  { sendError }: PluginRoute,
  handle: PluginRouteHandler,
): RouteHandler {
  return ({ params, raw }, response) => {
    const fail = (reason: unknown): void => {
      const error = InferenceServerError.from(reason);
      if (error !== reason)
        logger.error(`unexpected error in an HTTP plugin: ${error.message}`, { cause: reason });
      if (response.headersSent) {
        response.destroy();
        return;
      }
      tellRetryAfter(response, error);
      sendError(response, error, statusOf(error));
    };
    try {
      handle({ params: { ...params }, raw }, response)?.catch(fail);
    } catch (reason) {
      fail(reason);
    }
  };
}

/** An inference of a plugin and whom it is for. */
interface PluginRun {
  readonly wanted: PluginInference;
  readonly request: HttpRequestHead;
  readonly connection: HttpAnswer;
  readonly handler: PluginResponseHandler;
  /** When the headers were there, by the server's clock. */
  readonly arrivedNs: number;
}

function runInference(
  context: HttpContext,
  { wanted, request, connection, handler: given, arrivedNs }: PluginRun,
): void {
  const { model } = wanted;
  const handler = guarded(context, connection, given);
  let trace: RequestTrace | undefined;
  const refuse = (reason: unknown): void => {
    const error = InferenceServerError.from(reason);
    trace?.fail(error.message);
    const fields = logFieldsOf(wanted.id, trace);
    if (error !== reason)
      context.logger.error(`unexpected error in an inference: ${error.message}`, {
        ...fields,
        cause: reason,
      });
    handler({ outputs: [], parameters: undefined, error }, true);
  };
  try {
    const message = forwardHeaders(toMessage(wanted), request.rawHeaders, context.headerForwardPattern);
    const traced = { modelName: model.name, modelVersion: model.version, requestId: message.id };
    trace = startHttpTrace(context, request, traced, arrivedNs);
    const traceable = traceStreaming(trace, connection, handler);
    inferWhileConnected(context, { model, message, trace, onRefused: refuse }, connection, traceable);
  } catch (reason) {
    refuse(reason);
  }
}

/** What a plugin's handler throws cuts off its client: thrown on, it would be taken for a fault of the model that answered. */
function guarded(
  { logger }: HttpContext,
  connection: HttpAnswer,
  handler: PluginResponseHandler,
): PluginResponseHandler {
  let hasFailed = false;
  return (response, final) => {
    if (hasFailed) return;
    try {
      handler(response, final);
    } catch (cause) {
      hasFailed = true;
      logger.error(`unexpected error in an HTTP plugin: ${InferenceServerError.from(cause).message}`, {
        cause,
      });
      connection.destroy();
    }
  };
}

function toMessage(wanted: PluginInference): InferRequestMessage {
  const { model, outputs = [] } = wanted;
  return {
    modelName: model.name,
    modelVersion: model.version,
    id: wanted.id ?? '',
    inputs: wanted.inputs,
    outputs: outputs.map((name) => ({ name, classification: 0, binaryData: true })),
    binaryDataOutput: true,
    priority: wanted.priority ?? 0,
    timeoutUs: wanted.timeoutUs ?? 0,
    sequence: undefined,
    parameters: wanted.parameters,
  };
}
