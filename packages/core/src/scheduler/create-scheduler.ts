import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BatchRunner } from './batch.ts';
import type { Clock } from './clock.ts';
import { DynamicBatchScheduler, type QueueStatistics } from './dynamic-batch-scheduler.ts';
import { createQueuePolicies } from './queue-policies.ts';
import type { Scheduler } from './scheduler.ts';
import { SequenceBatchScheduler } from './sequence-batch-scheduler.ts';
import { createSequenceState } from './sequence-state.ts';

/** What a scheduler of a model with instances needs. */
export interface CreateSchedulerOptions {
  readonly config: ModelConfig;
  readonly modelDirectory: string;
  readonly runner: BatchRunner;
  readonly clock: Clock;
  readonly statistics: QueueStatistics;
}

/** The scheduler that a configuration asks for; ensembles have their own. */
export function createScheduler(options: CreateSchedulerOptions): Scheduler {
  const { config, clock } = options;
  const sequences = config.sequence_batching;
  if (sequences === undefined) return new DynamicBatchScheduler(options, createQueuePolicies(config));
  const batcher = new DynamicBatchScheduler(
    { ...options, config: batchingOfSteps(config) },
    createQueuePolicies(config),
  );
  return new SequenceBatchScheduler({
    config,
    batcher,
    clock,
    state: createSequenceState(config, options.modelDirectory),
  });
}

/** How the steps of different sequences are batched: as the strategy says. */
function batchingOfSteps(config: ModelConfig): ModelConfig {
  const oldest = config.sequence_batching?.oldest;
  return {
    ...config,
    dynamic_batching: {
      preferred_batch_size: oldest?.preferred_batch_size ?? [],
      max_queue_delay_microseconds: oldest?.max_queue_delay_microseconds ?? 0,
      preserve_ordering: oldest?.preserve_ordering ?? false,
      priority_levels: 0,
      default_priority_level: 0,
      priority_queue_policy: {},
    },
  };
}
