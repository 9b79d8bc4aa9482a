/**
 * Client over HTTP.
 *
 * @example
 * import { HttpClient, InferInput } from '@nereid/client';
 *
 * const client = new HttpClient('http://localhost:8000');
 * const inputs = [
 *   InferInput.from('INPUT0', Int32Array.of(1, 2, 3, 4), [1, 4]),
 *   InferInput.from('INPUT1', Int32Array.of(10, 20, 30, 40), [1, 4]),
 * ];
 * const result = await client.infer('addsub', inputs);
 * console.log(result.output('OUTPUT0', 'INT32')); // Int32Array [11, 22, 33, 44]
 * await client.close();
 */
import { InferenceServerError } from '@nereid/protocol';
import {
  decodeInferResponse,
  encodeInferRequest,
  INFERENCE_HEADER_CONTENT_LENGTH,
  parseInferenceHeaderLength,
  type LogSettingsJson,
  type LogSettingsUpdateJson,
  type ModelMetadataJson,
  type ModelStatisticsEntryJson,
  type ModelStatisticsJson,
  type RepositoryIndexEntryJson,
  type ServerMetadataJson,
  type SystemSharedMemoryRegionJson,
  type TraceSettingJson,
  type TraceSettingUpdateJson,
} from '@nereid/protocol/http';
import {
  HttpConnection,
  type HttpCompression,
  type HttpRequest,
  type HttpResponse,
} from './http-connection.ts';
import { readEvents } from './http-events.ts';
import type { InferInput } from './infer-input.ts';
import { toInferRequestMessage } from './infer-request.ts';
import { InferResult } from './infer-result.ts';
import type {
  CallOptions,
  InferenceClient,
  InferOptions,
  InferStreamRequest,
  InferStreamResponse,
  LoadModelOptions,
  ModelCallOptions,
  ModelConfig,
  SystemSharedMemoryRegion,
  UnloadModelOptions,
} from './inference-client.ts';

/** Options of {@link HttpClient}. */
export interface HttpClientOptions {
  /** Headers for all requests. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How many connections there may be at once. Default: no limit. */
  readonly connections?: number;
}

/** Options of {@link HttpClient.infer}. */
export interface HttpInferOptions extends InferOptions {
  /**
   * Tensors as bytes after the JSON (Triton's binary extension) rather than as JSON lists. Default: true;
   * servers without the extension need false.
   */
  readonly binaryData?: boolean;
  /** Compression of the request body. Default: none. */
  readonly requestCompression?: HttpCompression;
  /** Compression that the server may use for its answer. Default: none. */
  readonly responseCompression?: HttpCompression;
}

/** What a model is asked with {@link HttpClient.generate}: inputs and parameters by name. */
export type GenerateRequest = Readonly<Record<string, unknown>>;

/** What a model answers to that: `model_name`, `model_version`, `id` if the request had one, parameters and outputs. */
export type GenerateResponse = Readonly<Record<string, unknown>>;

const ACCEPT_EVENTS = { Accept: 'text/event-stream' };

/** {@link InferenceClient} over HTTP; `inferStream` is not to be had. */
export class HttpClient implements InferenceClient {
  readonly #connection: HttpConnection;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * Connects at the first request.
   *
   * @param url `http://localhost:8000`, or just `localhost:8000`; a path is put before all others.
   * @throws InferenceServerError INVALID_ARG when it is not a URL.
   */
  constructor(url: string, options: HttpClientOptions = {}) {
    this.#connection = new HttpConnection(url, options.connections);
    this.#headers = options.headers ?? {};
  }

  async serverLive(options: CallOptions = {}): Promise<boolean> {
    return this.#isOk('/v2/health/live', options);
  }

  async serverReady(options: CallOptions = {}): Promise<boolean> {
    return this.#isOk('/v2/health/ready', options);
  }

  async modelReady(modelName: string, options: ModelCallOptions = {}): Promise<boolean> {
    return this.#isOk(`${modelPath(modelName, options)}/ready`, options);
  }

  async serverMetadata(options: CallOptions = {}): Promise<ServerMetadataJson> {
    return this.#get('/v2', options);
  }

  async modelMetadata(modelName: string, options: ModelCallOptions = {}): Promise<ModelMetadataJson> {
    return this.#get(modelPath(modelName, options), options);
  }

  async modelConfig(modelName: string, options: ModelCallOptions = {}): Promise<ModelConfig> {
    return this.#get(`${modelPath(modelName, options)}/config`, options);
  }

  async repositoryIndex(
    options: CallOptions & { readonly ready?: boolean } = {},
  ): Promise<readonly RepositoryIndexEntryJson[]> {
    return this.#post('/v2/repository/index', { ready: options.ready ?? false }, options);
  }

  async loadModel(modelName: string, options: LoadModelOptions = {}): Promise<void> {
    const { config, files = {} } = options;
    const parameters: Record<string, string> = {};
    if (config !== undefined)
      parameters['config'] = typeof config === 'string' ? config : JSON.stringify(config);
    for (const [path, bytes] of Object.entries(files)) {
      parameters[`file:${path}`] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
        'base64',
      );
    }
    await this.#send('POST', `/v2/repository/models/${encodeURIComponent(modelName)}/load`, options, {
      parameters,
    });
  }

  async unloadModel(modelName: string, options: UnloadModelOptions = {}): Promise<void> {
    const parameters = { unload_dependents: options.unloadDependents ?? false };
    await this.#send('POST', `/v2/repository/models/${encodeURIComponent(modelName)}/unload`, options, {
      parameters,
    });
  }

  async modelStatistics(
    modelName = '',
    options: ModelCallOptions = {},
  ): Promise<readonly ModelStatisticsEntryJson[]> {
    const path = modelName === '' ? '/v2/models' : modelPath(modelName, options);
    const statistics = await this.#get<ModelStatisticsJson>(`${path}/stats`, options);
    return statistics.model_stats;
  }

  async logSettings(options: CallOptions = {}): Promise<LogSettingsJson> {
    return this.#get('/v2/logging', options);
  }

  async updateLogSettings(
    settings: LogSettingsUpdateJson,
    options: CallOptions = {},
  ): Promise<LogSettingsJson> {
    return this.#post('/v2/logging', settings, options);
  }

  async traceSettings(modelName = '', options: CallOptions = {}): Promise<TraceSettingJson> {
    return this.#get(tracePath(modelName), options);
  }

  async updateTraceSettings(
    settings: TraceSettingUpdateJson,
    modelName = '',
    options: CallOptions = {},
  ): Promise<TraceSettingJson> {
    return this.#post(tracePath(modelName), settings, options);
  }

  async systemSharedMemoryStatus(
    regionName = '',
    options: CallOptions = {},
  ): Promise<readonly SystemSharedMemoryRegionJson[]> {
    return this.#get(`${regionPath(regionName)}/status`, options);
  }

  async registerSystemSharedMemory(
    { name, key, byteSize, offset = 0 }: SystemSharedMemoryRegion,
    options: CallOptions = {},
  ): Promise<void> {
    const body = { key, offset, byte_size: byteSize };
    await this.#send('POST', `${regionPath(name)}/register`, options, body);
  }

  async unregisterSystemSharedMemory(regionName = '', options: CallOptions = {}): Promise<void> {
    await this.#send('POST', `${regionPath(regionName)}/unregister`, options, undefined);
  }

  /** One request, one answer; the options say how the tensors travel. */
  async infer(
    modelName: string,
    inputs: readonly InferInput[],
    options: HttpInferOptions = {},
  ): Promise<InferResult> {
    const response = await this.#connection.sendExpectingOk(this.#inferRequest(modelName, inputs, options));
    const jsonLength = response.headers[INFERENCE_HEADER_CONTENT_LENGTH.toLowerCase()];
    return new InferResult(
      decodeInferResponse(response.body, parseInferenceHeaderLength(jsonLength?.toString())),
    );
  }

  /**
   * One request, and its answers as they come: for decoupled models, which answer any number of times. Ends with the
   * last one; leaving the loop cancels the request. Outputs travel as JSON. Needs Nereid: Triton refuses decoupled
   * models over HTTP.
   *
   * @throws InferenceServerError the first error among the answers, too.
   */
  async *inferResponses(
    modelName: string,
    inputs: readonly InferInput[],
    options: HttpInferOptions = {},
  ): AsyncGenerator<InferResult, void, undefined> {
    const { headers, ...request } = this.#inferRequest(modelName, inputs, options, false);
    const answer = await this.#connection.open({ ...request, headers: { ...headers, ...ACCEPT_EVENTS } });
    for await (const event of readEvents(answer)) {
      yield new InferResult(decodeInferResponse(Buffer.from(event), undefined));
    }
  }

  /**
   * Triton's generate endpoint: the keys of the request that name inputs become tensors, the others parameters; the
   * outputs come back side by side. For models that answer once.
   */
  async generate(
    modelName: string,
    request: GenerateRequest,
    options: ModelCallOptions = {},
  ): Promise<GenerateResponse> {
    const answer = await this.#post<GenerateResponse>(
      `${modelPath(modelName, options)}/generate`,
      request,
      options,
    );
    const { error } = answer;
    // The status was decided by the first response; what came after it may still be wrong.
    if (typeof error === 'string' && Object.keys(answer).length === 1) {
      throw new InferenceServerError('UNKNOWN', error);
    }
    return answer;
  }

  /**
   * {@link generate} for models that answer any number of times: their answers as they come. Leaving the loop cancels
   * the request.
   *
   * @throws InferenceServerError the first error among the answers, too.
   */
  async *generateStream(
    modelName: string,
    request: GenerateRequest,
    options: ModelCallOptions = {},
  ): AsyncGenerator<GenerateResponse, void, undefined> {
    const answer = await this.#connection.open({
      method: 'POST',
      path: `${modelPath(modelName, options)}/generate_stream`,
      headers: { 'Content-Type': 'application/json', ...this.#headers, ...options.headers, ...ACCEPT_EVENTS },
      body: JSON.stringify(request),
      signal: options.signal,
    });
    for await (const event of readEvents(answer)) yield JSON.parse(event) as GenerateResponse;
  }

  /** @throws InferenceServerError UNSUPPORTED, always. */
  inferStream(
    _requests: Iterable<InferStreamRequest> | AsyncIterable<InferStreamRequest>,
    _options?: CallOptions,
  ): AsyncIterable<InferStreamResponse> {
    throw new InferenceServerError(
      'UNSUPPORTED',
      'streams of requests need gRPC: use GrpcClient.inferStream; for the answers to one request, inferResponses',
    );
  }

  /** @param binaryOutputs Default: as the options say. */
  #inferRequest(
    modelName: string,
    inputs: readonly InferInput[],
    options: HttpInferOptions,
    binaryOutputs = options.binaryData ?? true,
  ): HttpRequest {
    const { binaryData = true } = options;
    const message = toInferRequestMessage(modelName, inputs, { ...options, binaryData: binaryOutputs });
    const encoded = encodeInferRequest(message, { binary: inputs.map(() => binaryData) });
    const { header, chunks, headerLength } = encoded;
    return {
      method: 'POST',
      path: `${modelPath(modelName, options)}/infer`,
      headers: {
        ...(headerLength === undefined
          ? { 'Content-Type': 'application/json' }
          : {
              'Content-Type': 'application/octet-stream',
              [INFERENCE_HEADER_CONTENT_LENGTH]: String(headerLength),
            }),
        ...this.#headers,
        ...options.headers,
      },
      body: chunks.length === 0 ? header : Buffer.concat([header, ...chunks]),
      signal: options.signal,
      requestCompression: options.requestCompression,
      responseCompression: options.responseCompression,
    };
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #isOk(path: string, options: CallOptions): Promise<boolean> {
    const headers = { ...this.#headers, ...options.headers };
    const { status } = await this.#connection.send({ method: 'GET', path, headers, signal: options.signal });
    return status === 200;
  }

  async #get<T>(path: string, options: CallOptions): Promise<T> {
    return decodeJson<T>(await this.#send('GET', path, options, undefined));
  }

  async #post<T>(path: string, body: object, options: CallOptions): Promise<T> {
    return decodeJson<T>(await this.#send('POST', path, options, body));
  }

  async #send(
    method: HttpRequest['method'],
    path: string,
    { headers, signal }: CallOptions,
    body: object | undefined,
  ): Promise<HttpResponse> {
    return this.#connection.sendExpectingOk({
      method,
      path,
      headers: { ...(body && { 'Content-Type': 'application/json' }), ...this.#headers, ...headers },
      body: body && JSON.stringify(body),
      signal,
    });
  }
}

function modelPath(modelName: string, { modelVersion = '' }: ModelCallOptions): string {
  const path = `/v2/models/${encodeURIComponent(modelName)}`;
  return modelVersion === '' ? path : `${path}/versions/${encodeURIComponent(modelVersion)}`;
}

function tracePath(modelName: string): string {
  return modelName === '' ? '/v2/trace/setting' : `/v2/models/${encodeURIComponent(modelName)}/trace/setting`;
}

function regionPath(regionName: string): string {
  const path = '/v2/systemsharedmemory';
  return regionName === '' ? path : `${path}/region/${encodeURIComponent(regionName)}`;
}

/** The shape is the server's promise; it is not checked. */
function decodeJson<T>(response: HttpResponse): T {
  try {
    return JSON.parse(response.body.toString('utf8')) as T;
  } catch (reason) {
    throw new InferenceServerError('INTERNAL', 'the answer of the server is not JSON', { cause: reason });
  }
}
