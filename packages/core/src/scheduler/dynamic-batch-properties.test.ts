/** What holds for every mix of arrivals, cancellations, timeouts and executions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createModelConfig, type ModelConfig } from '@nereid/protocol/model-config';
import { buildRequest } from '../../test/build-request.ts';
import { checkSchedules } from '../../test/check-schedules.ts';
import { FakeRunner } from '../../test/fake-runner.ts';
import type { Batch } from './batch.ts';
import { DynamicBatchScheduler } from './dynamic-batch-scheduler.ts';
import { ManualClock } from './manual-clock.ts';
import { FRUITLESS_WAITS } from './queue-delay.ts';
import { createQueuePolicies } from './queue-policies.ts';

const LEVELS = 3;
const MAX_BATCH_SIZE = 4;
const DEFAULT_TIMEOUT_US = 100;
const MAX_QUEUE_SIZE = 5;

const NO_BATCH: Batch = { requests: [], size: 0 };

type Step =
  | { readonly do: 'add'; readonly priority: number; readonly timeoutUs: number; readonly batchSize: number }
  | { readonly do: 'cancel'; readonly at: number }
  | { readonly do: 'finish'; readonly instance: number }
  /** One request after the other, each sent when the last one was answered: nobody joins them. */
  | { readonly do: 'lone'; readonly count: number }
  | { readonly do: 'advance'; readonly us: number };

const STEPS = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        priority: fc.integer({ min: 0, max: LEVELS + 1 }),
        timeoutUs: fc.integer({ min: 0, max: 2 * DEFAULT_TIMEOUT_US }),
        batchSize: fc.integer({ min: 1, max: MAX_BATCH_SIZE }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), at: fc.nat(60) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const), instance: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), us: fc.nat(80) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('lone' as const),
        count: fc.integer({ min: 1, max: 2 * FRUITLESS_WAITS }),
      }),
    },
  ),
  { maxLength: 60 },
);

interface Seen {
  readonly index: number;
  readonly level: number;
  readonly deadline: number;
  readonly queuedAt: number;
  finals: number;
  answeredAt: number;
  startedAt: number;
  error: string | undefined;
  readonly cancel: () => void;
  /** Answered, though the answer may wait for earlier ones. */
  readonly isEnded: () => boolean;
}

/** Whether a request is still in the queue. */
function isWaiting({ startedAt, isEnded }: Seen): boolean {
  return startedAt < 0 && !isEnded();
}

/** A runner that knows when its batches began. */
class TimedRunner extends FakeRunner {
  readonly startedAtNs: number[] = [];
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    super(2);
    this.#clock = clock;
  }

  override run(batch: Batch, instance: number): void {
    this.startedAtNs.push(this.#clock.now());
    super.run(batch, instance);
  }
}

/** Does the steps, and then all that is left to do. */
class Run {
  readonly clock = new ManualClock();
  readonly runner = new TimedRunner(this.clock);
  readonly statistics = { pending: 0, recordFailure: (): void => undefined };
  readonly scheduler: DynamicBatchScheduler;
  readonly requests: Seen[] = [];
  /** In the order of their answers. */
  readonly answered: Seen[] = [];
  readonly #config: ModelConfig;
  #noted = 0;

  constructor(config: ModelConfig) {
    const { clock, runner, statistics } = this;
    this.#config = config;
    this.scheduler = new DynamicBatchScheduler(
      { config, runner, clock, statistics },
      createQueuePolicies(config),
    );
  }

  do(step: Step): void {
    if (step.do === 'add') this.#add(step);
    else if (step.do === 'cancel') this.requests[step.at]?.cancel();
    else if (step.do === 'advance') this.clock.advance(step.us * 1000);
    else if (step.do === 'finish') this.#finish(step.instance);
    else this.#sendAlone(step.count);
    this.#noteStarts();
    assert.equal(this.statistics.pending, this.#count(isWaiting));
    this.#assertNoneIsLate();
    this.#assertNoneWaitsInVain();
  }

  /** Ends executions until nothing runs and nothing waits. */
  drain(): void {
    for (let round = 0; this.scheduler.inFlightCount > 0; round += 1) {
      assert.ok(round < 1000, 'requests are left that never run');
      this.do({ do: 'advance', us: 40 });
      this.do({ do: 'finish', instance: round % 2 });
    }
  }

  #add({ priority, timeoutUs, batchSize }: Extract<Step, { do: 'add' }>): void {
    const index = this.requests.length;
    const { request } = buildRequest({ id: String(index), priority, timeoutUs, batchSize });
    const own = timeoutUs > 0 ? Math.min(timeoutUs, DEFAULT_TIMEOUT_US) : DEFAULT_TIMEOUT_US;
    const seen: Seen = {
      index,
      level: priority < 1 || priority > LEVELS ? 2 : priority,
      deadline: this.clock.now() + own * 1000,
      queuedAt: this.clock.now(),
      finals: 0,
      answeredAt: -1,
      startedAt: -1,
      error: undefined,
      cancel: () => request.cancel(),
      isEnded: () => request.isEnded,
    };
    request.wrapHandler(() => (response, final) => {
      if (final) seen.finals += 1;
      seen.answeredAt = this.clock.now();
      seen.error = response?.error?.message;
      this.answered.push(seen);
    });
    try {
      this.scheduler.enqueue(request);
      this.requests.push(seen);
    } catch (error) {
      assert.match(String(error), /Exceeds maximum queue size/);
      assert.equal(this.#waiting(seen.level), MAX_QUEUE_SIZE);
    }
  }

  #sendAlone(count: number): void {
    for (let sent = 0; sent < count; sent += 1) {
      this.drain();
      this.do({ do: 'add', priority: 0, timeoutUs: 0, batchSize: 1 });
    }
    this.drain();
  }

  #finish(instance: number): void {
    const batch = this.runner.running(instance);
    if (batch !== undefined) this.runner.finish(batch);
  }

  #noteStarts(): void {
    const { batches, startedAtNs } = this.runner;
    for (; this.#noted < batches.length; this.#noted += 1) {
      const { requests, size } = batches[this.#noted] ?? NO_BATCH;
      assert.ok(size <= MAX_BATCH_SIZE);
      for (const { id } of requests) {
        const seen = this.requests[Number(id)];
        assert.ok(seen !== undefined && seen.startedAt < 0, `request ${id} ran twice`);
        const isInTime = (startedAtNs[this.#noted] ?? Infinity) < seen.deadline;
        assert.ok(isInTime || !this.#rejectsLate, `request ${id} ran after its deadline`);
        seen.startedAt = this.#noted;
      }
    }
  }

  /** Whether each request has a deadline that it must not pass unanswered in the queue. */
  get #rejectsLate(): boolean {
    return this.#config.dynamic_batching?.default_queue_policy?.timeout_action === 'REJECT';
  }

  /** No request waits that should have been refused by now. */
  #assertNoneIsLate(): void {
    if (!this.#rejectsLate) return;
    const late = this.requests.filter((one) => isWaiting(one) && one.deadline <= this.clock.now());
    assert.deepEqual(
      late.map(({ index }) => index),
      [],
    );
  }

  /** Whoever has waited for the delay runs if an instance is free. */
  #assertNoneWaitsInVain(): void {
    if (this.runner.idleCount === 0) return;
    const delayNs = (this.#config.dynamic_batching?.max_queue_delay_microseconds ?? 0) * 1000;
    const { clock } = this;
    const waiting = this.#count((one) => isWaiting(one) && one.queuedAt + delayNs < clock.now());
    assert.equal(waiting, 0);
  }

  #waiting(level: number): number {
    return this.#count((seen) => seen.level === level && isWaiting(seen));
  }

  #count(wanted: (seen: Seen) => boolean): number {
    return this.requests.filter(wanted).length;
  }
}

function configOf(fields: { action?: 'REJECT' | 'DELAY'; ordered?: boolean; delayUs?: number }): ModelConfig {
  const levels = fields.ordered === true ? {} : { priority_levels: LEVELS, default_priority_level: 2 };
  return createModelConfig({
    max_batch_size: MAX_BATCH_SIZE,
    dynamic_batching: {
      ...levels,
      max_queue_delay_microseconds: fields.delayUs ?? 0,
      preserve_ordering: fields.ordered ?? false,
      default_queue_policy: {
        timeout_action: fields.action ?? 'REJECT',
        default_timeout_microseconds: DEFAULT_TIMEOUT_US,
        allow_timeout_override: true,
        max_queue_size: fields.ordered === true ? 0 : MAX_QUEUE_SIZE,
      },
    },
  });
}

/** Checks a property of many runs. */
function checkRuns(createConfig: (delayUs: number) => ModelConfig, check: (run: Run) => void): void {
  checkSchedules(
    fc.property(STEPS, fc.constantFrom(0, 30, 300), (steps, delayUs) => {
      const run = new Run(createConfig(delayUs));
      for (const step of steps) run.do(step);
      run.drain();
      for (const { index, finals } of run.requests) assert.equal(finals, 1, `answers to request ${index}`);
      assert.equal(run.statistics.pending, 0);
      check(run);
    }),
  );
}

/** Properties of the dynamic batcher. */
function checkBatching(
  fields: Omit<Parameters<typeof configOf>[0], 'delayUs'>,
  check: (run: Run) => void,
): void {
  checkRuns((delayUs) => configOf({ delayUs, ...fields }), check);
}

function assertAscending(numbers: readonly number[]): void {
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
}

describe('DynamicBatchScheduler, whatever happens', () => {
  test('answers each request once, and refuses late ones at their deadline', () => {
    checkBatching({}, ({ requests }) => {
      for (const { error, answeredAt, deadline, startedAt } of requests) {
        const isLate = error?.includes('timeout') ?? false;
        if (isLate) assert.equal(answeredAt, deadline);
        assert.equal(isLate && startedAt >= 0, false);
      }
    });
  });

  test('answers each request once under DELAY, and refuses none', () => {
    checkBatching({ action: 'DELAY' }, ({ requests }) => {
      for (const { error } of requests) assert.doesNotMatch(error ?? '', /timeout/);
    });
  });

  test('starts the requests of a level in the order they came', () => {
    checkBatching({}, ({ requests }) => {
      for (let level = 1; level <= LEVELS; level += 1) {
        const starts = requests.filter((r) => r.level === level && r.startedAt >= 0).map((r) => r.startedAt);
        assertAscending(starts);
      }
    });
  });

  test('answers in the order of requests with preserve_ordering', () => {
    checkBatching({ ordered: true }, ({ answered }) => {
      assertAscending(answered.map(({ index }) => index));
    });
  });
});

test('the default scheduler answers each request once, one at a time, in the order they came', () => {
  checkRuns(
    () => createModelConfig({ max_batch_size: MAX_BATCH_SIZE }),
    ({ requests, runner }) => {
      for (const ids of runner.ids) assert.equal(ids.length, 1);
      for (const { error } of requests) assert.match(error ?? 'cancelled', /cancelled/);
      assertAscending(requests.filter((r) => r.startedAt >= 0).map((r) => r.startedAt));
    },
  );
});
