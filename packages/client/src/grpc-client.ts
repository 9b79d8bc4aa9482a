/**
 * Client over gRPC.
 *
 * @example
 * import { GrpcClient, InferInput } from '@nereid/client';
 *
 * const client = new GrpcClient('localhost:8001');
 * const text = InferInput.from('TEXT', ['hello'], [1, 1]);
 * const result = await client.infer('classifier', [text], { outputs: [{ name: 'SCORES', classification: 3 }]
 * }); console.log(result.asStrings('SCORES')); // [ '0.930000:17:greeting', … ]
 *
 * for await (const answer of client.inferStream([{ modelName: 'generator', inputs: [text] }])) {
 *   if (answer.kind === 'error') throw answer.error;
 *   console.log(answer.result.asStrings('TOKEN'));
 * }
 * await client.close();
 */
import { InferenceServerError, type InferRequestMessage, type InferResponseMessage } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/gen';
import {
  decodeMessage,
  decodeModelInferResponse,
  decodeModelStreamInferResponse,
  encodeMessage,
  encodeModelInferRequest,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  type StreamInferResponseMessage,
} from '@nereid/protocol/grpc';
import type {
  LogSettingsJson,
  LogSettingsUpdateJson,
  ModelMetadataJson,
  ModelStatisticsEntryJson,
  RepositoryIndexEntryJson,
  ServerMetadataJson,
  SystemSharedMemoryRegionJson,
  TraceSettingJson,
  TraceSettingUpdateJson,
} from '@nereid/protocol/http';
import { messageToModelConfig, modelConfigToJson } from '@nereid/protocol/model-config';
import { GrpcConnection, type GrpcClientOptions, type UnaryCodec } from './grpc-connection.ts';
import {
  fromLogSettings,
  fromTraceSettings,
  toIndexEntry,
  toLogSettings,
  toModelMetadata,
  toModelStatistics,
  toSystemRegion,
  toTraceSettings,
} from './grpc-messages.ts';
import type { InferInput } from './infer-input.ts';
import { toInferRequestMessage } from './infer-request.ts';
import { InferResult } from './infer-result.ts';
import { streamInfer } from './infer-stream.ts';
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

const METHODS = GRPCInferenceService.method;

const MODEL_INFER: UnaryCodec<InferRequestMessage, InferResponseMessage> = {
  path: pathOf(METHODS.modelInfer),
  encode: encodeModelInferRequest,
  decode: decodeModelInferResponse,
};

const MODEL_STREAM_INFER: UnaryCodec<InferRequestMessage, StreamInferResponseMessage> = {
  path: pathOf(METHODS.modelStreamInfer),
  encode: encodeModelInferRequest,
  decode: decodeModelStreamInferResponse,
};

/** {@link InferenceClient} over gRPC. */
export class GrpcClient implements InferenceClient {
  readonly #connection: GrpcConnection;

  /**
   * Connects at the first call.
   *
   * @param address `localhost:8001`
   */
  constructor(address: string, options: GrpcClientOptions = {}) {
    this.#connection = new GrpcConnection(address, options);
  }

  async serverLive(options: CallOptions = {}): Promise<boolean> {
    const { live } = await this.#call(METHODS.serverLive, {}, options);
    return live;
  }

  async serverReady(options: CallOptions = {}): Promise<boolean> {
    const { ready } = await this.#call(METHODS.serverReady, {}, options);
    return ready;
  }

  async modelReady(modelName: string, options: ModelCallOptions = {}): Promise<boolean> {
    try {
      const { ready } = await this.#call(METHODS.modelReady, nameAndVersion(modelName, options), options);
      return ready;
    } catch (error) {
      // Newer Tritons answer so for a model that does not exist.
      if (InferenceServerError.is(error) && error.code === 'NOT_FOUND') return false;
      throw error;
    }
  }

  async serverMetadata(options: CallOptions = {}): Promise<ServerMetadataJson> {
    const { name, version, extensions } = await this.#call(METHODS.serverMetadata, {}, options);
    return { name, version, extensions };
  }

  async modelMetadata(modelName: string, options: ModelCallOptions = {}): Promise<ModelMetadataJson> {
    return toModelMetadata(
      await this.#call(METHODS.modelMetadata, nameAndVersion(modelName, options), options),
    );
  }

  async modelConfig(modelName: string, options: ModelCallOptions = {}): Promise<ModelConfig> {
    const { config } = await this.#call(METHODS.modelConfig, nameAndVersion(modelName, options), options);
    return config === undefined ? {} : modelConfigToJson(messageToModelConfig(config));
  }

  async repositoryIndex(
    options: CallOptions & { readonly ready?: boolean } = {},
  ): Promise<readonly RepositoryIndexEntryJson[]> {
    const { models } = await this.#call(METHODS.repositoryIndex, { ready: options.ready ?? false }, options);
    return models.map(toIndexEntry);
  }

  async loadModel(modelName: string, options: LoadModelOptions = {}): Promise<void> {
    const { config, files = {} } = options;
    const parameters: NonNullable<MessageInitShape<typeof METHODS.repositoryModelLoad.input>['parameters']> =
      {};
    if (config !== undefined) {
      const value = typeof config === 'string' ? config : JSON.stringify(config);
      parameters['config'] = { parameterChoice: { case: 'stringParam', value } };
    }
    for (const [path, value] of Object.entries(files)) {
      parameters[`file:${path}`] = { parameterChoice: { case: 'bytesParam', value } };
    }
    await this.#call(METHODS.repositoryModelLoad, { modelName, parameters }, options);
  }

  async unloadModel(modelName: string, options: UnloadModelOptions = {}): Promise<void> {
    const value = options.unloadDependents ?? false;
    const parameters = { unload_dependents: { parameterChoice: { case: 'boolParam' as const, value } } };
    await this.#call(METHODS.repositoryModelUnload, { modelName, parameters }, options);
  }

  async modelStatistics(
    modelName = '',
    options: ModelCallOptions = {},
  ): Promise<readonly ModelStatisticsEntryJson[]> {
    const request = nameAndVersion(modelName, options);
    const { modelStats } = await this.#call(METHODS.modelStatistics, request, options);
    return modelStats.map(toModelStatistics);
  }

  async logSettings(options: CallOptions = {}): Promise<LogSettingsJson> {
    return this.updateLogSettings({}, options);
  }

  async updateLogSettings(
    settings: LogSettingsUpdateJson,
    options: CallOptions = {},
  ): Promise<LogSettingsJson> {
    return toLogSettings(
      await this.#call(METHODS.logSettings, { settings: fromLogSettings(settings) }, options),
    );
  }

  async traceSettings(modelName = '', options: CallOptions = {}): Promise<TraceSettingJson> {
    return this.updateTraceSettings({}, modelName, options);
  }

  async updateTraceSettings(
    settings: TraceSettingUpdateJson,
    modelName = '',
    options: CallOptions = {},
  ): Promise<TraceSettingJson> {
    const request = { modelName, settings: fromTraceSettings(settings) };
    return toTraceSettings(await this.#call(METHODS.traceSetting, request, options));
  }

  async systemSharedMemoryStatus(
    regionName = '',
    options: CallOptions = {},
  ): Promise<readonly SystemSharedMemoryRegionJson[]> {
    const { regions } = await this.#call(METHODS.systemSharedMemoryStatus, { name: regionName }, options);
    return Object.values(regions).map(toSystemRegion);
  }

  async registerSystemSharedMemory(
    { name, key, byteSize, offset = 0 }: SystemSharedMemoryRegion,
    options: CallOptions = {},
  ): Promise<void> {
    const request = { name, key, offset: BigInt(offset), byteSize: BigInt(byteSize) };
    await this.#call(METHODS.systemSharedMemoryRegister, request, options);
  }

  async unregisterSystemSharedMemory(regionName = '', options: CallOptions = {}): Promise<void> {
    await this.#call(METHODS.systemSharedMemoryUnregister, { name: regionName }, options);
  }

  async infer(
    modelName: string,
    inputs: readonly InferInput[],
    options: InferOptions = {},
  ): Promise<InferResult> {
    const request = toInferRequestMessage(modelName, inputs, options);
    return new InferResult(await this.#connection.unary(MODEL_INFER, request, options));
  }

  inferStream(
    requests: Iterable<InferStreamRequest> | AsyncIterable<InferStreamRequest>,
    options: CallOptions = {},
  ): AsyncIterable<InferStreamResponse> {
    const open = () => this.#connection.bidi(MODEL_STREAM_INFER, options.headers);
    return streamInfer(open, requests, options.signal);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: ServiceMethod<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    const codec: UnaryCodec<MessageInitShape<I>, MessageShape<O>> = {
      path: pathOf(method),
      encode: (init) => encodeMessage(method.input, init),
      decode: (bytes) => decodeMessage(method.output, bytes),
    };
    return this.#connection.unary(codec, request, options);
  }
}

interface ServiceMethod<I extends DescMessage, O extends DescMessage> {
  readonly name: string;
  readonly parent: { readonly typeName: string };
  readonly input: I;
  readonly output: O;
}

function pathOf(method: Pick<ServiceMethod<DescMessage, DescMessage>, 'name' | 'parent'>): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function nameAndVersion(name: string, { modelVersion = '' }: ModelCallOptions) {
  return { name, version: modelVersion };
}
