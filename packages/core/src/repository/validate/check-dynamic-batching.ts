import type { ModelQueuePolicy } from '@nereid/protocol/model-config';
import { refuse, type ConfigCheck } from './check.ts';

/** The dynamic batcher (CFG-16, CFG-17), as far as it does not depend on `max_batch_size`. */
export function checkDynamicBatching(check: ConfigCheck): void {
  const batching = check.config.dynamic_batching;
  if (batching === undefined) return;
  const { name } = check.config;
  const path = 'dynamic_batching';
  checkPreferredSizes(
    check,
    `${path}.preferred_batch_size`,
    batching.preferred_batch_size,
    'dynamic batching',
  );
  checkPriorities(check);
  if (!batching.preserve_ordering) return;
  if (batching.priority_levels > 1) {
    const rule = `only one priority level is allowed when 'preserve_ordering' is true for ${name}`;
    refuse(check, `${path}.priority_levels`, `${rule}, found ${batching.priority_levels}`);
  }
  checkOrderedPolicy(check, `${path}.default_queue_policy`, batching.default_queue_policy);
  for (const [level, policy] of Object.entries(batching.priority_queue_policy)) {
    checkOrderedPolicy(check, `${path}.priority_queue_policy[${JSON.stringify(level)}]`, policy);
  }
}

/** Preferred sizes must be possible sizes; when the model does not batch the completion may change that. */
export function checkPreferredSizes(
  check: ConfigCheck,
  path: string,
  sizes: readonly number[],
  batcher: string,
): void {
  const { name, max_batch_size: max } = check.config;
  for (const [at, size] of sizes.entries()) {
    if (size <= 0) {
      refuse(
        check,
        `${path}[${at}]`,
        `${batcher} preferred batch size must be positive for ${name}, found ${size}`,
      );
    }
    if (size > max && max > 0) {
      refuse(
        check,
        `${path}[${at}]`,
        `${batcher} preferred batch size must be <= max batch size ${max} for ${name}, found ${size}`,
      );
    }
  }
}

/** The dynamic batcher of a model that does not batch would never join anything. */
export function checkBatchingModel(check: ConfigCheck): void {
  const { name, max_batch_size: max, dynamic_batching: dynamic, sequence_batching: sequence } = check.config;
  if (max > 0) return;
  if (dynamic !== undefined) {
    const rule = `dynamic batching needs a 'max_batch_size' of at least 1 for ${name}`;
    refuse(check, 'dynamic_batching', `${rule}, found ${max}`);
  }
  const preferred = sequence?.oldest?.preferred_batch_size ?? [];
  if (preferred.length === 0) return;
  const rule = `sequence batching preferred batch size must be <= max batch size ${max} for ${name}`;
  refuse(check, 'sequence_batching.oldest.preferred_batch_size', `${rule}, found ${preferred.join(', ')}`);
}

function checkPriorities(check: ConfigCheck): void {
  const { name, dynamic_batching: batching } = check.config;
  const levels = batching?.priority_levels ?? 0;
  if (batching === undefined || levels === 0) return;
  const path = 'dynamic_batching';
  const standard = batching.default_priority_level;
  if (standard < 1 || standard > levels) {
    const rule = `default priority level must be in range [1, ${levels}] for ${name}`;
    refuse(check, `${path}.default_priority_level`, `${rule}, found ${standard}`);
  }
  for (const level of Object.keys(batching.priority_queue_policy)) {
    if (Number(level) >= 1 && Number(level) <= levels) continue;
    const rule = `priority queue policy must have priority level in range [1, ${levels}] for ${name}`;
    refuse(check, `${path}.priority_queue_policy[${JSON.stringify(level)}]`, `${rule}, found ${level}`);
  }
}

function checkOrderedPolicy(check: ConfigCheck, path: string, policy: ModelQueuePolicy | undefined): void {
  if (policy?.timeout_action !== 'DELAY' || policy.default_timeout_microseconds === 0) return;
  refuse(
    check,
    `${path}.timeout_action`,
    `queue policy can not have DELAY as timeout action when 'preserve_ordering' is true for ${check.config.name}`,
  );
}
