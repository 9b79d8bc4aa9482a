import {
  InferenceServerError,
  readBackendSettings,
  readModelParameters,
  warnOfUnknownParameters,
  type InstanceContext,
  type ModelConfig,
  type ModelContext,
  type ParameterSpec,
} from '@nereid/backend-sdk';
import type { OrtSessionOptions } from './ort-binding.ts';

/** Where a session runs. */
export type SessionDevice = Pick<InstanceContext, 'kind' | 'deviceId'>;

type ExecutionProviders = NonNullable<OrtSessionOptions['executionProviders']>;

/** `optimization.graph.level` → the library's optimization level; any other level means all. */
const GRAPH_LEVELS: ReadonlyMap<number, NonNullable<OrtSessionOptions['graphOptimizationLevel']>> = new Map([
  [-1, 'basic'],
  [1, 'extended'],
  [2, 'disabled'],
]);

const SESSION_PARAMETERS = {
  execution_mode: { type: 'integer', default: 0, minimum: 0, maximum: 1 },
  enable_mem_arena: { type: 'boolean', default: true },
  enable_mem_pattern: { type: 'boolean', default: true },
} as const;
const THREAD_PARAMETERS = {
  intra_op_thread_count: { type: 'integer', default: 0, minimum: 0 },
  inter_op_thread_count: { type: 'integer', default: 0, minimum: 0 },
} as const;
const ARENA_SHRINKAGE = 'memory.enable_memory_arena_shrinkage';
const PARAMETERS = [...Object.keys({ ...THREAD_PARAMETERS, ...SESSION_PARAMETERS }), ARENA_SHRINKAGE];

/**
 * Threads within an operator look for work for 100 us before they sleep: waking one takes as long as a small operator does. By the
 * library's own default they do so for 42 ms (1.30.0), and take the cores from the serving thread and from other models.
 */
const SHORT_SPINNING = {
  'session.intra_op.allow_spinning': '1',
  'session.intra_op.spin_duration_us': '100',
};
const NO_INTER_OP_SPINNING = { 'session.inter_op.allow_spinning': '0' };

/** Prefix of the parameters that go to the library's session configuration as they are. */
const SESSION_PREFIX = 'session.';

/** Errors come back as exceptions; the library would write them to stderr besides. */
const ONLY_FATAL = 4;

/** The settings of `--backend-config=onnxruntime,…`. */
export const ONNX_SETTINGS = {
  'default-max-batch-size': {
    type: 'integer',
    default: 4,
    minimum: 0,
    description: 'max_batch_size of models that are completed and can batch; 0: none batches',
  },
  'enable-global-threadpool': {
    type: 'boolean',
    default: false,
    description: 'whether thread counts are those of the backend, not of each model',
  },
  intra_op_thread_count: {
    type: 'integer',
    default: 0,
    minimum: 0,
    description: 'with enable-global-threadpool: threads within an operator; 0: as the library chooses',
  },
  inter_op_thread_count: {
    type: 'integer',
    default: 0,
    minimum: 0,
    description:
      'with enable-global-threadpool: threads for operators side by side; 0: as the library chooses',
  },
} as const satisfies Readonly<Record<string, ParameterSpec>>;

/** @throws InferenceServerError INVALID_ARG naming the setting. */
export function readOnnxSettings(context: Pick<ModelContext, 'backendName' | 'settings'>) {
  return readBackendSettings(context, ONNX_SETTINGS);
}

/**
 * Session options from a model's configuration and the backend's settings. Parameters that the library has no way
 * to take are named in the log.
 *
 * @param providers - Execution providers that the library was built with.
 * @throws InferenceServerError INVALID_ARG when a parameter is wrong, UNSUPPORTED for an accelerator that the
 *   library lacks.
 */
export function createSessionOptions(
  context: ModelContext,
  config: ModelConfig,
  device: SessionDevice,
  providers: readonly string[],
): OrtSessionOptions {
  const parameters = readModelParameters(config, SESSION_PARAMETERS);
  warnOfIgnored(context, config);
  const sessionConfigs = Object.keys(config.parameters).filter((name) => name.startsWith(SESSION_PREFIX));
  warnOfUnknownParameters(context, config, [...PARAMETERS, ...sessionConfigs]);
  return {
    ...threadCounts(context, config),
    executionMode: parameters.execution_mode === 1 ? 'parallel' : 'sequential',
    enableCpuMemArena: parameters.enable_mem_arena,
    enableMemPattern: parameters.enable_mem_pattern,
    graphOptimizationLevel: GRAPH_LEVELS.get(config.optimization?.graph?.level ?? 0) ?? 'all',
    executionProviders: executionProviders(config, device, providers),
    logId: `${context.modelName}_${context.modelVersion}`,
    logSeverityLevel: ONLY_FATAL,
    extra: sessionConfig(config),
  };
}

/** Threads of the library; 0 leaves the choice to it. With a global pool the model's own counts do not matter. */
function threadCounts(context: ModelContext, config: ModelConfig): OrtSessionOptions {
  const settings = readOnnxSettings(context);
  const counts = settings['enable-global-threadpool']
    ? settings
    : readModelParameters(config, THREAD_PARAMETERS);
  return { intraOpNumThreads: counts.intra_op_thread_count, interOpNumThreads: counts.inter_op_thread_count };
}

/**
 * Threads for one operator where several instances of a model run at the same time: their share of the cores. By itself
 * the library takes a thread for each core in each of them, and they get into each other's way.
 *
 * @returns 0 for a single instance: the library knows the cores best.
 */
export function shareOfCores(config: ModelConfig, cores: number): number {
  const onCpu = config.instance_group.filter(({ kind }) => kind !== 'KIND_GPU');
  const instances = onCpu.reduce((sum, { count }) => sum + Math.max(1, count), 0);
  return instances <= 1 ? 0 : Math.max(1, Math.floor(cores / instances));
}

function sessionConfig(config: ModelConfig): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const [name, { string_value: value }] of Object.entries(config.parameters)) {
    if (name.startsWith(SESSION_PREFIX)) entries[name] = value;
  }
  return {
    ...('session.intra_op.allow_spinning' in entries ? {} : SHORT_SPINNING),
    ...NO_INTER_OP_SPINNING,
    ...entries,
  };
}

function executionProviders(
  config: ModelConfig,
  device: SessionDevice,
  providers: readonly string[],
): ExecutionProviders {
  const accelerators = config.optimization?.execution_accelerators;
  const onGpu = device.kind === 'KIND_GPU';
  const wanted =
    (onGpu ? accelerators?.gpu_execution_accelerator : accelerators?.cpu_execution_accelerator) ?? [];
  const names = wanted.map(({ name }) => name);
  // On a GPU, CUDA takes what the accelerators leave.
  if (onGpu && !names.includes('cuda')) names.push('cuda');
  for (const name of names) assertProvider(name, config, device, providers);
  return [...names.map((name) => (onGpu ? { name, deviceId: device.deviceId } : { name })), { name: 'cpu' }];
}

function assertProvider(
  name: string,
  config: ModelConfig,
  { kind }: SessionDevice,
  providers: readonly string[],
): void {
  if (providers.includes(name)) return;
  throw new InferenceServerError(
    'UNSUPPORTED',
    `unable to load model '${config.name}', execution accelerator '${name}' of a ${kind} instance: this ONNX ` +
      `Runtime has ${providers.join(', ')}`,
  );
}

function warnOfIgnored(context: ModelContext, config: ModelConfig): void {
  const model = context.modelName;
  const warn = (message: string): void =>
    context.logger.warning(message, { model, version: context.modelVersion });
  if (config.parameters[ARENA_SHRINKAGE] !== undefined) {
    warn(`model '${model}': parameter '${ARENA_SHRINKAGE}' has no effect here`);
  }
  const accelerators = config.optimization?.execution_accelerators;
  const all = [
    ...(accelerators?.gpu_execution_accelerator ?? []),
    ...(accelerators?.cpu_execution_accelerator ?? []),
  ];
  for (const { name, parameters } of all) {
    const names = Object.keys(parameters);
    if (names.length > 0)
      warn(`model '${model}': accelerator '${name}' runs without its ${names.join(', ')}`);
  }
}
