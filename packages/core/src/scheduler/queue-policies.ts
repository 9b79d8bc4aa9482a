import type { ModelConfig, ModelQueuePolicy } from '@nereid/protocol/model-config';
import { UNLIMITED, type QueuePolicy } from './request-queue.ts';

/** The queue policy of each priority level, the highest first; one level when the model has none. */
export function createQueuePolicies(config: ModelConfig): readonly QueuePolicy[] {
  const batching = config.dynamic_batching;
  if (batching === undefined) return [UNLIMITED];
  const standard = toQueuePolicy(batching.default_queue_policy);
  const levels = Math.max(1, batching.priority_levels);
  return Array.from({ length: levels }, (_, at) => {
    const own = batching.priority_queue_policy[String(at + 1)];
    return own === undefined ? standard : toQueuePolicy(own);
  });
}

function toQueuePolicy(policy: ModelQueuePolicy | undefined): QueuePolicy {
  if (policy === undefined) return UNLIMITED;
  return {
    timeoutAction: policy.timeout_action,
    defaultTimeoutNs: policy.default_timeout_microseconds * 1000,
    allowTimeoutOverride: policy.allow_timeout_override,
    maxQueueSize: policy.max_queue_size,
  };
}
