import type { ModelConfig } from '@nereid/protocol/model-config';
import type { KnownBackend } from './known-backends.ts';
import { checkBackend } from './validate/check-backend.ts';
import { checkBatchIo } from './validate/check-batch-io.ts';
import { checkBatchingModel, checkDynamicBatching } from './validate/check-dynamic-batching.ts';
import { checkEnsemble } from './validate/check-ensemble.ts';
import { checkInstanceCount, checkInstanceGroups } from './validate/check-instance-groups.ts';
import { checkModelMetrics } from './validate/check-model-metrics.ts';
import { checkResponseCache } from './validate/check-response-cache.ts';
import { checkSequenceBatching } from './validate/check-sequence-batching.ts';
import { checkStateTensors } from './validate/check-state-tensors.ts';
import { checkTensors } from './validate/check-tensors.ts';
import { checkWarmup } from './validate/check-warmup.ts';
import { refuse, type ConfigCheck } from './validate/check.ts';

/** What a configuration is checked against. */
export interface ValidateContext extends Omit<ConfigCheck, 'config'> {
  readonly backends: readonly KnownBackend[];
}

/**
 * Checks a normalized configuration before its backend saw it: all that a completion does not change.
 *
 * @throws InferenceServerError INVALID_ARG for the first mistake, with its place in the file, naming model and field.
 */
export function validateModelConfig(config: ModelConfig, { backends, ...context }: ValidateContext): void {
  const check: ConfigCheck = { ...context, config };
  checkBackend(check, backends);
  if (config.max_batch_size < 0) {
    const rule = `'max_batch_size' must be non-negative value for ${config.name}`;
    refuse(check, 'max_batch_size', `${rule}, found ${config.max_batch_size}`);
  }
  checkInstanceCount(check);
  checkDynamicBatching(check);
  checkSequenceBatching(check);
  checkEnsemble(check);
  checkResponseCache(check);
  checkModelMetrics(check);
}

/**
 * Checks a complete configuration, with everything that {@link validateModelConfig} checks.
 *
 * @throws InferenceServerError INVALID_ARG as validateModelConfig does; UNSUPPORTED for a file outside of the
 * model's folder, INTERNAL for one that is not there.
 */
export function validateCompleteModelConfig(config: ModelConfig, context: ValidateContext): void {
  validateModelConfig(config, context);
  const check: ConfigCheck = { ...context, config };
  checkTensors(check);
  checkBatchIo(check);
  checkStateTensors(check);
  checkBatchingModel(check);
  checkInstanceGroups(check);
  checkWarmup(check);
}
