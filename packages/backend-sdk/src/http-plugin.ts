/**
 * What paths of one's own on the server's HTTP endpoint are written with. A package exports a {@link defineHttpPlugin}
 * declaration as the default of its entry module and names that module in its `package.json` under `nereid.httpPlugin`.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import type { Parameters, Tensor } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { InferenceServerError } from '@nereid/protocol/inference-server-error';
import type { HttpAnswer, HttpRequestHead } from './http-answer.ts';
import type { Logger } from './logger.ts';
import type { ParameterSpec } from './model-parameters.ts';

export type { HttpAnswer, HttpAnswerEvent, HttpRequestHead } from './http-answer.ts';
export { StreamedAnswer } from './streamed-answer.ts';

/** Adds paths to the server's HTTP endpoint. */
export interface HttpPlugin {
  readonly name: string;
  /** The settings it takes (`--http-plugin-config=<plugin>,<name>=<value>`). Default: none. */
  readonly settings?: Readonly<Record<string, ParameterSpec>>;
  /**
   * Called once in each thread that speaks HTTP. What it throws fails the start when the plugin was given settings, and is told
   * in the log otherwise.
   *
   * @param app - The endpoint, with V2's paths. It has no body parsers and no schema compilers.
   */
  register(app: FastifyInstance, context: HttpPluginContext): void | Promise<void>;
}

/** A request whose body has not been read. */
export interface PluginRequest {
  /** What stands in the path at `:name`, percent-decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly raw: HttpRequestHead;
}

/** Answers a request, now or later. What it throws becomes the answer. */
export type PluginRouteHandler = (request: PluginRequest, response: HttpAnswer) => void | Promise<void>;

/** A path, with a handler for each method that it takes. */
export interface PluginRoute {
  /** As Fastify's router writes it: `/v1/models/:id`. */
  readonly path: string;
  /** Whose `--http-restricted-api` applies. */
  readonly api: 'health' | 'metadata' | 'inference' | 'model-repository';
  readonly get?: PluginRouteHandler;
  readonly post?: PluginRouteHandler;
  /**
   * Answers what a handler threw, a missing key (status 401) and a method that the path does not take (405), in the
   * plugin's own form. The head was not sent yet; after it, the connection is cut off instead.
   */
  readonly sendError: (response: HttpAnswer, error: InferenceServerError, status: number) => void;
}

/** A ready model version. */
export interface PluginModel {
  readonly name: string;
  readonly version: string;
  /** Complete, and the same object as long as the version is ready. */
  readonly config: ModelConfig;
  /** Whether it may answer a request any number of times. */
  readonly decoupled: boolean;
}

/** An inference to run. */
export interface PluginInference {
  readonly model: PluginModel;
  readonly inputs: readonly Tensor[];
  /** Names of outputs. Default: all. */
  readonly outputs?: readonly string[];
  /** Default: none. */
  readonly id?: string;
  readonly parameters?: Parameters;
  /** Default: the model's. */
  readonly priority?: number;
  /** How long it may wait in the queue, in microseconds. Default: as the model says. */
  readonly timeoutUs?: number;
}

/** What a model answered; `outputs` is empty with an error. */
export interface PluginResponse {
  readonly outputs: readonly Tensor[];
  readonly parameters: Parameters | undefined;
  readonly error: InferenceServerError | undefined;
}

/** Hears any number of responses with `final` false, then exactly one call with true, which may come without a response. */
export type PluginResponseHandler = (response: PluginResponse | undefined, final: boolean) => void;

/** What a plugin may use. */
export interface HttpPluginContext {
  readonly logger: Logger;
  /** The plugin's settings, checked; those that were not given are missing. */
  readonly settings: Readonly<Record<string, string>>;
  /**
   * A ready version of a model.
   *
   * @param version - Default: the highest ready one.
   * @throws InferenceServerError NOT_FOUND or UNAVAILABLE "Request for unknown model: …".
   */
  getModel(name: string, version?: string): PluginModel;
  /** The models that are ready, the highest ready version of each, by name. */
  readyModels(): Promise<readonly PluginModel[]>;
  /** Resolves when the model is ready; rejects with the reason when it could not be loaded. */
  load(name: string): Promise<void>;
  unload(name: string): Promise<void>;
  /** Adds a path: restricted, logged and answered as V2's are. */
  route(app: FastifyInstance, route: PluginRoute): void;
  /**
   * The whole body. It never settles when the client goes before.
   *
   * @throws InferenceServerError INVALID_ARG when it is longer than `--http-max-input-size`.
   */
  readBody(request: PluginRequest, response: HttpAnswer): Promise<Buffer>;
  /**
   * Runs an inference for a connection: traced, counted, cancelled when the client goes, and held while the client does not
   * read what was written. The handler is called synchronously as responses come; a refusal is its only, final response.
   */
  infer(
    inference: PluginInference,
    request: HttpRequestHead,
    connection: HttpAnswer,
    handler: PluginResponseHandler,
  ): void;
}

/**
 * Declares an HTTP plugin. The entry module of its package exports the result as its default.
 *
 * ```ts
 * export default defineHttpPlugin({
 *   name: 'ping',
 *   register(app, context) {
 *     const sendError = (response, error, status) => response.writeHead(status).end(error.message);
 *     context.route(app, { path: '/ping', api: 'health', get: (_, response) => response.end('pong'), sendError });
 *   },
 * });
 * ```
 *
 * @throws InferenceServerError INVALID_ARG when the declaration is incomplete.
 */
export function defineHttpPlugin(plugin: HttpPlugin): HttpPlugin {
  const { name, register } = plugin;
  if (/^[\w-]+$/.test(name) && typeof register === 'function') return Object.freeze({ ...plugin });
  throw new InferenceServerError(
    'INVALID_ARG',
    `HTTP plugin '${name}': 'name' must be letters, digits, _ and -, and 'register' a function`,
  );
}
