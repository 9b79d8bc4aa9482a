import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { requestIdPrefix, type InferenceRequest, type RequestHolder } from '../request/inference-request.ts';
import type { FailureReason } from '../telemetry/statistics.ts';
import type { BatchRunner } from './batch.ts';
import { createBatchRules } from './batch-builder.ts';
import type { Clock, TimerHandle } from './clock.ts';
import { planDirectBatch, type DirectBatchRules } from './direct-batch-plan.ts';
import type { QueueStatistics } from './dynamic-batch-scheduler.ts';
import type { StepBatcher } from './step-batcher.ts';

/** What a direct batcher is made of. */
export interface DirectBatcherParts {
  readonly config: ModelConfig;
  /** One instance. */
  readonly runner: BatchRunner;
  readonly clock: Clock;
  readonly statistics: QueueStatistics;
  /** Fills a row between those of a batch, in the shape of another step. */
  readonly createPadding: (step: InferenceRequest) => InferenceRequest;
}

/**
 * Batches the steps of sequences that each have a row of their own (strategy "direct"): a step is in its row in every
 * batch, whatever the others do, so that a model may keep what it knows of a sequence by row.
 */
export class DirectBatcher implements StepBatcher {
  readonly #parts: DirectBatcherParts;
  readonly #rules: DirectBatchRules;
  readonly #waiting: (InferenceRequest | undefined)[] = [];
  readonly #rows: number;
  #count = 0;
  #isRunning = false;
  #soon = false;
  #timer: TimerHandle | undefined;
  readonly #holder: RequestHolder = { cancel: (step) => this.#cancel(step) };

  constructor(parts: DirectBatcherParts) {
    this.#parts = parts;
    this.#rules = createDirectBatchRules(parts.config);
    this.#rows = Math.max(1, parts.config.max_batch_size);
    // The answers that come now bring the next steps of their sequences.
    parts.runner.onIdle = () => this.#dispatchSoon();
  }

  enqueue(step: InferenceRequest, row: number): void {
    const { clock, statistics } = this.#parts;
    if (step.times.queued === 0) step.times.queued = clock.now();
    this.#waiting[row] = step;
    this.#count += 1;
    statistics.pending += 1;
    step.holder = this.#holder;
    // Nothing can join: the instance may begin while what else came in this turn is still seen to.
    if (this.#count >= this.#rows && !this.#isRunning && this.#parts.runner.idleCount > 0) this.#dispatch();
    else this.#dispatchSoon();
  }

  close(): void {
    this.#timer?.cancel();
    for (const step of this.#take([...this.#waiting.keys()]))
      this.#refuse(step, 'OTHER', new InferenceServerError('UNAVAILABLE', 'the server is shutting down'));
    this.#parts.runner.withdraw();
  }

  /** Lets the steps that arrive together become one batch. */
  #dispatchSoon(): void {
    if (this.#soon || this.#parts.runner.idleCount === 0) return;
    this.#soon = true;
    this.#parts.clock.soon(() => {
      this.#soon = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock, runner } = this.#parts;
    if (runner.idleCount === 0) return;
    if (this.#count === 0) {
      runner.withdraw();
      return;
    }
    const plan = planDirectBatch(this.#waiting, this.#rules, clock.now());
    if (plan.kind === 'wait') {
      runner.withdraw();
      this.#timer = clock.schedule(plan.untilNs, () => this.#dispatch());
      return;
    }
    const instance = runner.claim();
    if (instance !== undefined) this.#run(plan.rows, instance);
  }

  /** Runs the steps of these rows, with padding in the rows before and between them. */
  #run(rows: readonly number[], instance: number): void {
    const steps = this.#take(rows);
    const [template] = steps;
    if (template === undefined) return;
    const requests: InferenceRequest[] = [];
    steps.forEach((step, at) => {
      while (requests.length < (rows[at] ?? 0)) requests.push(this.#parts.createPadding(template));
      requests.push(step);
    });
    // A model that answers at once brings the next steps meanwhile: a long backlog must not make a deep stack.
    this.#isRunning = true;
    try {
      this.#parts.runner.run({ requests, size: steps.length }, instance);
    } finally {
      this.#isRunning = false;
    }
  }

  #take(rows: readonly number[]): InferenceRequest[] {
    const steps = rows.flatMap((row) => this.#waiting[row] ?? []);
    for (const row of rows) this.#waiting[row] = undefined;
    this.#count -= steps.length;
    this.#parts.statistics.pending -= steps.length;
    return steps;
  }

  #cancel(step: InferenceRequest): void {
    const row = this.#waiting.indexOf(step);
    if (row < 0) return;
    this.#take([row]);
    const message = `${requestIdPrefix(step.id)}request was cancelled`;
    this.#refuse(step, 'CANCELED', new InferenceServerError('CANCELLED', message));
    // The batch that the instance was to take may be none any more.
    this.#dispatchSoon();
  }

  #refuse(step: InferenceRequest, reason: FailureReason, error: InferenceServerError): void {
    const { clock, statistics } = this.#parts;
    statistics.recordFailure(clock.now() - step.times.arrived, reason);
    step.fail(error);
  }
}

/** As in Triton, a delay without a utilization to wait for is none. */
function createDirectBatchRules(config: ModelConfig): DirectBatchRules {
  const direct = config.sequence_batching?.direct;
  const utilization = direct?.minimum_slot_utilization ?? 0;
  return {
    maxQueueDelayNs: (direct?.max_queue_delay_microseconds ?? 0) * 1000,
    minimumRows: Math.max(1, Math.ceil(utilization * Math.max(1, config.max_batch_size))),
    canJoin: createBatchRules(config).canJoin,
  };
}
