/** An HTTP server over hand-written services, for the tests of this folder. */
import type { TestContext } from 'node:test';
import type { InferRequestMessage, Tensor } from '@nereid/protocol';
import { createModelConfig } from '@nereid/protocol/model-config';
import type { InferenceResponse, ResponseHandler } from '../../../response/inference-response.ts';
import type { HealthService } from '../../../service/health-service.ts';
import type { InferenceService, ServedModel } from '../../../service/inference-service.ts';
import type { ManagementService } from '../../../service/management-service.ts';
import { createHttpServer, type GivenHttpPlugin, type HttpOptions, type HttpServer } from '../http-server.ts';
import type { HttpServices } from '../http-services.ts';

export const TEST_OPTIONS: HttpOptions = {
  address: '127.0.0.1',
  port: 0,
  reusePort: false,
  maxInputSize: 67_108_864,
  streamTimeoutMs: 60_000,
  restrictions: [],
};

/** What a test gives; any other call of a service is an error. */
export interface FakeServices {
  readonly inference?: Partial<InferenceService>;
  readonly management?: Partial<ManagementService>;
  readonly health?: Partial<HealthService>;
  readonly logger?: Partial<HttpServices['logger']>;
  readonly tracer?: HttpServices['tracer'];
}

export function fakeServices(fakes: FakeServices): HttpServices {
  return {
    inference: withRefusal<InferenceService>(fakes.inference),
    management: withRefusal<ManagementService>(fakes.management),
    health: withRefusal<HealthService>(fakes.health),
    logger: withRefusal<HttpServices['logger']>({ verbose: () => undefined, ...fakes.logger }),
    tracer: fakes.tracer ?? { isOn: false, start: () => undefined },
  };
}

function withRefusal<T extends object>(fake: Partial<T> = {}): T {
  const refuse = (name: PropertyKey) => (): never => {
    throw new Error(`unexpected call of ${String(name)}`);
  };
  const get = (target: object, name: PropertyKey): unknown => Reflect.get(target, name) ?? refuse(name);
  return new Proxy(fake, { get }) as T;
}

/** A server that does not listen: for `inject`. */
export function createServer(
  fakes: FakeServices,
  options: Partial<HttpOptions> = {},
  plugins: readonly GivenHttpPlugin[] = [],
): HttpServer {
  const loaders = plugins.map((given) => () => Promise.resolve(given));
  return createHttpServer(fakeServices(fakes), { ...TEST_OPTIONS, ...options }, loaders);
}

/** A server that listens; closes when the test ends. */
export async function startServer(
  t: TestContext,
  fakes: FakeServices,
  options: Partial<HttpOptions> = {},
  plugins: readonly GivenHttpPlugin[] = [],
): Promise<{ readonly server: HttpServer; readonly port: number; readonly url: string }> {
  const server = createServer(fakes, options, plugins);
  const { port } = await server.listen();
  t.after(() => server.close(0));
  return { server, port, url: `http://127.0.0.1:${String(port)}` };
}

export function servedModel(fields: Partial<ServedModel> = {}): ServedModel {
  return { name: 'm', version: '1', config: createModelConfig(), decoupled: false, ...fields };
}

export function responseOf(...outputs: Tensor[]): InferenceResponse {
  return { outputs, parameters: undefined, error: undefined };
}

/** Answers at once with the inputs as they came. */
export function identity(model = servedModel()): Partial<InferenceService> {
  return {
    getModel: () => model,
    infer: (_model, { inputs }, handler) => {
      handler(
        responseOf(...inputs.map((input) => ({ ...input, data: input.data ?? new Uint8Array() }))),
        true,
      );
      return { cancel: () => undefined };
    },
  };
}

/** A service that answers each request with the same responses. */
export interface ScriptedInference extends Partial<InferenceService> {
  readonly messages: InferRequestMessage[];
  /** Resolves when a request is cancelled. */
  readonly cancelled: Promise<void>;
  /** One more response to the last request. */
  readonly respond: ResponseHandler;
}

/**
 * @param responses - The last one is final; undefined stands for a flag without a response.
 * @param options - `keepOpen`: the last one is not final.
 */
export function scripted(
  model: ServedModel,
  responses: readonly (InferenceResponse | undefined)[],
  { keepOpen = false }: { readonly keepOpen?: boolean } = {},
): ScriptedInference {
  const messages: InferRequestMessage[] = [];
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  let handler: ResponseHandler = () => undefined;
  return {
    messages,
    cancelled,
    respond: (response, final) => handler(response, final),
    getModel: () => model,
    infer: (_model, message, handle) => {
      messages.push(message);
      handler = handle;
      const last = responses.length - 1;
      responses.forEach((response, at) => handle(response, at === last && !keepOpen));
      return { cancel: resolve };
    },
  };
}
