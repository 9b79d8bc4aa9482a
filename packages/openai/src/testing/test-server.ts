/** The plugin on a server of its own, over models that are functions of the test. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { createModelConfig, type Init, type Logger } from '@nereid/backend-sdk';
import type {
  HttpAnswer,
  HttpPluginContext,
  PluginInference,
  PluginModel,
  PluginResponse,
  PluginResponseHandler,
  PluginRoute,
  PluginRouteHandler,
} from '@nereid/backend-sdk/http';
import { encodeBytesTensor, InferenceServerError, type Parameters, type Tensor } from '@nereid/protocol';
import { httpStatusOf } from '@nereid/protocol/http';
import type { ModelConfig } from '@nereid/protocol/model-config';
import openai from '../index.ts';

/** A model that answers each inference as a function says. */
export interface ScriptedModel {
  readonly config: Init<ModelConfig>;
  readonly decoupled?: boolean;
  /** Calls `respond` now or later. What it throws is a refusal. */
  readonly execute: (inference: PluginInference, respond: PluginResponseHandler) => void;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  /** What models were asked for, in order. */
  readonly inferences: readonly PluginInference[];
  /** Of the clients that went before the end. */
  readonly cancelled: readonly PluginInference[];
  readonly warnings: readonly string[];
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The data of its events. */
  readonly events: readonly string[];
}

/** Serves models by name. */
export async function startTestServer(
  models: Readonly<Record<string, ScriptedModel>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  const inferences: PluginInference[] = [];
  const cancelled: PluginInference[] = [];
  const warnings: string[] = [];
  const app = fastify({ forceCloseConnections: true });
  for (const method of app.supportedMethods)
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  const served = new Map(Object.entries(models).map(([name, model]) => [name, toPluginModel(name, model)]));
  const context: HttpPluginContext = {
    logger: collectingLogger(warnings),
    settings,
    getModel: (name) => {
      const model = served.get(name);
      if (model !== undefined) return model;
      throw new InferenceServerError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
    },
    readyModels: () => Promise.resolve([...served.values()]),
    load: (name) => Promise.resolve(void served.set(name, toPluginModel(name, models[name] ?? NO_MODEL))),
    unload: (name) => Promise.resolve(void served.delete(name)),
    route: addRoute,
    readBody: async ({ raw }) => Buffer.concat(await (raw as IncomingMessage).toArray()),
    infer: (inference, _, connection, handler) => {
      inferences.push(inference);
      runScript(models[inference.model.name] ?? NO_MODEL, inference, {
        connection,
        handler,
        onCancel: () => cancelled.push(inference),
      });
    },
  };
  await openai.register(app, context);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const post: TestServer['post'] = async (path, body, headers = {}) => {
    const init = { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(url + path, init);
    const text = await response.text();
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => data);
    return {
      status: response.status,
      headers: response.headers,
      text,
      events,
    };
  };
  return {
    url,
    inferences,
    cancelled,
    warnings,
    post,
    [Symbol.asyncDispose]: async () => {
      await app.close();
    },
  };
}

const NO_MODEL: ScriptedModel = { config: {}, execute: () => undefined };

function toPluginModel(name: string, { config, decoupled = false }: ScriptedModel): PluginModel {
  return { name, version: '1', config: createModelConfig({ ...config, name }), decoupled };
}

interface Run {
  readonly connection: HttpAnswer;
  readonly handler: PluginResponseHandler;
  readonly onCancel: () => void;
}

function runScript(
  { execute }: ScriptedModel,
  inference: PluginInference,
  { connection, handler, onCancel }: Run,
): void {
  let isEnded = false;
  connection.on('close', () => {
    if (!isEnded) onCancel();
  });
  const respond: PluginResponseHandler = (response, final) => {
    isEnded = final;
    handler(response, final);
  };
  try {
    execute(inference, respond);
  } catch (reason) {
    respond(failure(InferenceServerError.from(reason)), true);
  }
}

function addRoute(app: FastifyInstance, { path, get, post, sendError }: PluginRoute): void {
  const add = (method: 'GET' | 'POST', handle: PluginRouteHandler): void => {
    app.route<{ Params: Record<string, string> }>({
      method,
      url: path,
      handler: async (request, reply) => {
        reply.hijack();
        try {
          await handle(request, reply.raw);
        } catch (reason) {
          const error = InferenceServerError.from(reason);
          sendError(reply.raw, error, error.http?.status ?? httpStatusOf(error.code));
        }
      },
    });
  };
  if (get !== undefined) add('GET', get);
  if (post !== undefined) add('POST', post);
}

function collectingLogger(warnings: string[]): Logger {
  const ignore = (): void => undefined;
  return { verbose: ignore, info: ignore, error: ignore, warning: (text) => warnings.push(text) };
}

/** A response of tensors. */
export function outputs(tensors: readonly Tensor[], parameters?: Parameters): PluginResponse {
  return { outputs: tensors, parameters, error: undefined };
}

/** A response that is an error. */
export function failure(error: InferenceServerError): PluginResponse {
  return { outputs: [], parameters: undefined, error };
}

/** A tensor of texts. */
export function texts(name: string, values: readonly string[]): Tensor {
  return { name, datatype: 'BYTES', shape: [values.length], data: encodeBytesTensor(values) };
}
