/** Runs a backend in memory, with the rules that the server keeps, for tests of backends. */
import { InferenceServerError } from '@nereid/protocol';
import { createModelConfig, type Init, type ModelConfig } from '@nereid/protocol/model-config';
import type { Backend, BackendContext, BackendModel, BackendModelInstance } from '../backend.ts';
import { createNoModelAccess, type ModelAccess } from '../model-access.ts';
import { TestRequest, type TestRequestInit } from './build-request.ts';
import { createRecordingLogger, createRecordingMetrics, type TestLogLine } from './recorders.ts';

/** A model to load. */
export interface TestModelInit {
  /**
   * Its configuration; what is left out has the proto defaults, the name is `model`. Instances of KIND_GPU are made for
   * the GPUs that their group lists, whatever the machine has.
   */
  readonly config?: Init<ModelConfig>;
  /** Folder of the model. Default: `/nonexistent/<name>`. */
  readonly directory?: string;
  /** Default: `1`. */
  readonly version?: string;
}

/** A loaded model. */
export interface TestModel {
  /** The configuration as the backend completed it. */
  readonly config: ModelConfig;
  readonly instances: readonly BackendModelInstance[];
  /**
   * Executes requests as one batch and waits until each is answered.
   *
   * @param instance - Index of the instance. Default: 0.
   */
  run(requests: readonly TestRequestInit[], instance?: number): Promise<readonly TestRequest[]>;
  /** As `run`, for requests that the caller has built. */
  execute(requests: readonly TestRequest[], instance?: number): Promise<void>;
  /** A request for this model that wants all its outputs unless it says which. */
  request(init: TestRequestInit): TestRequest;
  /** Closes the instances and the model. */
  unload(): Promise<void>;
}

/** A running backend. */
export interface TestHost {
  /**
   * Loads a model as the server does: create, complete and validate the configuration, make the instances.
   *
   * @throws what the backend throws; what was made by then is closed.
   */
  load(model: TestModelInit): Promise<TestModel>;
  /** What the backend logged. */
  readonly logs: readonly TestLogLine[];
  /** Values of the backend's metrics, by name and labels. */
  readonly metrics: ReadonlyMap<string, number>;
  /** Unloads what is loaded and stops the backend. */
  close(): Promise<void>;
}

/** Options of {@link createTestHost}. */
export interface TestHostOptions {
  /** The backend's settings, as from `--backend-config`. Default: none. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The other models that the backend may call. Default: none. */
  readonly models?: ModelAccess;
}

/** Starts a backend in memory, in this thread whatever its instance host is. */
export async function createTestHost(
  backend: Backend,
  { settings = {}, models = createNoModelAccess('the test host has no other models') }: TestHostOptions = {},
): Promise<TestHost> {
  const logs: TestLogLine[] = [];
  const metrics = new Map<string, number>();
  const stopping = new AbortController();
  const context: BackendContext = {
    backendName: backend.name,
    settings,
    logger: createRecordingLogger(logs),
    metrics: createRecordingMetrics(metrics),
    models,
    allocate: (byteSize) => new Uint8Array(byteSize),
    signal: stopping.signal,
  };
  const loaded = new Set<TestModel>();
  await backend.start?.(context);
  return {
    logs,
    metrics,
    async load(init) {
      const model = await loadModel(backend, context, init, (unloaded) => loaded.delete(unloaded));
      loaded.add(model);
      return model;
    },
    async close() {
      stopping.abort();
      for (const model of loaded) await model.unload();
      await backend.stop?.();
    },
  };
}

async function loadModel(
  backend: Backend,
  context: BackendContext,
  init: TestModelInit,
  onUnload: (model: TestModel) => void,
): Promise<TestModel> {
  const { name = 'model', ...rest } = init.config ?? {};
  const config = createModelConfig({ ...rest, name, backend: backend.name });
  const modelDirectory = init.directory ?? `/nonexistent/${name}`;
  const modelVersion = init.version ?? '1';
  const model = await backend.createModel({
    ...context,
    modelName: name,
    modelVersion,
    modelDirectory,
    versionDirectory: `${modelDirectory}/${modelVersion}`,
    config,
    reportProgress: (text) => context.logger.info(text),
  });
  const instances: BackendModelInstance[] = [];
  try {
    const complete = { ...config, ...(await model.completeConfig?.(config)) };
    await model.validateConfig?.(complete);
    await createInstances(model, complete, instances);
    return createTestModel(complete, instances, onUnload, () => closeAll(model, instances));
  } catch (error) {
    await closeAll(model, instances);
    throw error;
  }
}

async function createInstances(
  model: BackendModel,
  config: ModelConfig,
  instances: BackendModelInstance[],
): Promise<void> {
  const groups = config.instance_group.length > 0 ? config.instance_group : [ONE_INSTANCE];
  for (const [at, { kind: asked, gpus, count }] of groups.entries()) {
    const kind = asked === 'KIND_AUTO' || asked === undefined ? 'KIND_CPU' : asked;
    for (const deviceId of kind === 'KIND_GPU' ? gpus : [0]) {
      for (let index = 0; index < count; index += 1) {
        const instanceName = `${config.name}_${at}_${index}`;
        instances.push(await model.createInstance({ instanceName, kind, deviceId, config }));
      }
    }
  }
}

const ONE_INSTANCE = { kind: 'KIND_CPU', gpus: [], count: 1 } as const;

async function closeAll(model: BackendModel, instances: BackendModelInstance[]): Promise<void> {
  for (const instance of instances.splice(0)) await instance.close?.();
  await model.close?.();
}

function createTestModel(
  config: ModelConfig,
  instances: readonly BackendModelInstance[],
  onUnload: (model: TestModel) => void,
  close: () => Promise<void>,
): TestModel {
  const decoupled = config.model_transaction_policy?.decoupled ?? false;
  const iterative = config.sequence_batching?.iterative_sequence ?? false;
  const allOutputs = config.output.map(({ name }) => name);
  const batchSize = config.max_batch_size > 0 ? {} : { batchSize: 1 };
  const model: TestModel = {
    config,
    instances,
    request: (init) => new TestRequest({ decoupled, iterative, outputs: allOutputs, ...batchSize, ...init }),
    async run(inits, instance) {
      const requests = inits.map(model.request);
      await model.execute(requests, instance);
      return requests;
    },
    async execute(requests, index = 0) {
      const instance = instances[index];
      if (instance === undefined) throw new InferenceServerError('NOT_FOUND', `no instance ${index}`);
      await executeBatch(instance, requests, decoupled);
    },
    async unload() {
      onUnload(model);
      await close();
    },
  };
  return model;
}

/** Fails what a backend leaves unanswered; of a decoupled model, waits for it. */
async function executeBatch(
  instance: BackendModelInstance,
  requests: readonly TestRequest[],
  decoupled: boolean,
): Promise<void> {
  let failure: unknown = new InferenceServerError(
    'INTERNAL',
    'the backend returned without answering the request',
  );
  let failed = false;
  try {
    await instance.execute(requests);
  } catch (error) {
    failure = error;
    failed = true;
  }
  if (failed || !decoupled) {
    for (const request of requests) if (!request.isEnded) request.sendError(failure, true);
  }
  await Promise.all(requests.map((request) => request.ended));
}
