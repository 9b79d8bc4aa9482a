import {
  createModelConfig,
  type ModelConfig,
  type ModelSequenceBatching,
} from '@nereid/protocol/model-config';
import { configError } from './config-source.ts';
import type { KnownBackend } from './known-backends.ts';
import { normalizeInstanceGroups } from './normalize-instance-groups.ts';
import { resolveBackend, type ResolveBackendContext } from './resolve-backend.ts';

/** What the defaults depend on. */
export interface NormalizeContext extends ResolveBackendContext {
  /** The GPUs that this server can use. */
  readonly gpus: readonly number[];
}

/** Idle time after which a sequence ends, in microseconds. */
const DEFAULT_SEQUENCE_IDLE_MICROSECONDS = 1_000_000;

/**
 * Fills in Triton's defaults that do not depend on the model file: name, backend and platform, version policy,
 * schedulers, optimization, instances.
 *
 * @param config - As the file has it; undefined when there is none.
 * @throws InferenceServerError INVALID_ARG for a name other than the folder's, or when no backend can be found.
 */
export function normalizeModelConfig(
  config: ModelConfig | undefined,
  context: NormalizeContext,
): ModelConfig {
  const given = config ?? createModelConfig();
  assertName(given.name, context);
  const backend = resolveBackend(given, context);
  const named = {
    ...given,
    ...backendFields(given, backend),
    name: context.modelName,
    version_policy: given.version_policy ?? { latest: { num_versions: 1 } },
  };
  if (named.ensemble_scheduling !== undefined) return normalizeEnsemble(named);
  return normalizeSchedulers({
    ...named,
    optimization: normalizeOptimization(named),
    instance_group: normalizeInstanceGroups(named, backend, context.gpus),
  });
}

function assertName(name: string, { modelName, source }: NormalizeContext): void {
  if (name === '' || name === modelName) return;
  throw configError(
    source,
    'name',
    `unexpected directory name '${modelName}' for model '${name}', directory name must equal model name`,
  );
}

type BackendFields = Pick<ModelConfig, 'backend' | 'platform' | 'default_model_filename'>;

function backendFields(given: ModelConfig, backend: KnownBackend | undefined): BackendFields {
  return {
    backend: given.backend || (backend?.name ?? ''),
    platform: given.platform || (backend?.platform ?? ''),
    default_model_filename: given.default_model_filename || (backend?.defaultModelFilename ?? ''),
  };
}

/** Fills in what the schedulers take from `max_batch_size`, which a completion may change. */
export function normalizeSchedulers(config: ModelConfig): ModelConfig {
  const { dynamic_batching: dynamic, sequence_batching: sequence, max_batch_size: maxBatchSize } = config;
  return {
    ...config,
    ...(dynamic !== undefined && {
      dynamic_batching: {
        ...dynamic,
        preferred_batch_size: preferredSizes(dynamic.preferred_batch_size, maxBatchSize),
      },
    }),
    ...(sequence !== undefined && { sequence_batching: normalizeSequenceBatching(sequence, maxBatchSize) }),
  };
}

function normalizeSequenceBatching(
  sequence: ModelSequenceBatching,
  maxBatchSize: number,
): ModelSequenceBatching {
  const { oldest } = sequence;
  return {
    ...sequence,
    max_sequence_idle_microseconds:
      sequence.max_sequence_idle_microseconds || DEFAULT_SEQUENCE_IDLE_MICROSECONDS,
    ...(oldest !== undefined && {
      oldest: { ...oldest, preferred_batch_size: preferredSizes(oldest.preferred_batch_size, maxBatchSize) },
    }),
  };
}

function preferredSizes(sizes: readonly number[], maxBatchSize: number): readonly number[] {
  return sizes.length > 0 || maxBatchSize <= 0 ? sizes : [maxBatchSize];
}

function normalizeOptimization({ optimization }: ModelConfig): NonNullable<ModelConfig['optimization']> {
  return {
    priority: 'PRIORITY_DEFAULT',
    gather_kernel_buffer_threshold: 0,
    eager_batching: false,
    ...optimization,
    input_pinned_memory: optimization?.input_pinned_memory ?? { enable: true },
    output_pinned_memory: optimization?.output_pinned_memory ?? { enable: true },
  };
}

/** An ensemble has no instances, and always says whether it is decoupled. */
function normalizeEnsemble(config: ModelConfig): ModelConfig {
  return { ...config, model_transaction_policy: config.model_transaction_policy ?? { decoupled: false } };
}
