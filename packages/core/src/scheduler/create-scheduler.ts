import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BatchRunner } from './batch.ts';
import type { Clock } from './clock.ts';
import { DirectBatcher } from './direct-batcher.ts';
import { DynamicBatchScheduler, type QueueStatistics } from './dynamic-batch-scheduler.ts';
import { createQueuePolicies } from './queue-policies.ts';
import { UNLIMITED } from './request-queue.ts';
import type { Scheduler } from './scheduler.ts';
import { SequenceBatchScheduler } from './sequence-batch-scheduler.ts';
import { createSequenceState } from './sequence-state.ts';
import { SequenceSteps } from './sequence-steps.ts';
import { splitRunner, type StepBatcher } from './step-batcher.ts';

/** What a scheduler of a model with instances needs. */
export interface CreateSchedulerOptions {
  readonly config: ModelConfig;
  readonly modelDirectory: string;
  readonly runner: BatchRunner;
  readonly clock: Clock;
  readonly statistics: QueueStatistics;
  /** Writes a warning to the log. */
  readonly warn: (message: string) => void;
}

/** The scheduler that a configuration asks for; ensembles have their own. */
export function createScheduler(options: CreateSchedulerOptions): Scheduler {
  const { config } = options;
  if (config.sequence_batching !== undefined) return createSequenceScheduler(options);
  return new DynamicBatchScheduler(options, createQueuePolicies(config));
}

/** Each instance has its own slots and batcher: a sequence stays on the instance where it began. */
function createSequenceScheduler(options: CreateSchedulerOptions): Scheduler {
  const { config, clock, statistics, warn } = options;
  const state = createSequenceState(config, options.modelDirectory);
  const steps = new SequenceSteps(config, state);
  const oldest = config.sequence_batching?.oldest;
  const createBatcher = (runner: BatchRunner): StepBatcher => {
    const parts = { config, runner, clock, statistics };
    if (oldest === undefined)
      return new DirectBatcher({ ...parts, createPadding: (step) => steps.createPadding(step) });
    return new DynamicBatchScheduler({ ...parts, config: batchingOfSteps(config, oldest) }, [UNLIMITED]);
  };
  return new SequenceBatchScheduler({
    config,
    batchers: splitRunner(options.runner).map(createBatcher),
    slotsPerBatcher: oldest?.max_candidate_sequences ?? Math.max(1, config.max_batch_size),
    state,
    steps,
    clock,
    statistics,
    warn,
  });
}

/** How the strategy "oldest" batches the steps of different sequences. The order of answers is kept further out. */
function batchingOfSteps(
  config: ModelConfig,
  oldest: NonNullable<NonNullable<ModelConfig['sequence_batching']>['oldest']>,
): ModelConfig {
  return {
    ...config,
    dynamic_batching: {
      preferred_batch_size: oldest.preferred_batch_size,
      max_queue_delay_microseconds: oldest.max_queue_delay_microseconds,
      preserve_ordering: false,
      priority_levels: 0,
      default_priority_level: 0,
      priority_queue_policy: {},
    },
  };
}
