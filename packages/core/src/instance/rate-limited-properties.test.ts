/** Random models that share resources, with random traffic: nothing is lost, late, over capacity or idle for nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createModelConfig, type ModelConfig } from '@nereid/protocol/model-config';
import type { RecordedRequest } from '../../test/build-request.ts';
import { checkSchedules } from '../../test/check-schedules.ts';
import { createLimitedModel, groupNeeding, type LimitedModel } from '../../test/limited-models.ts';
import { ManualClock } from '../scheduler/manual-clock.ts';
import { RateLimiter } from '../scheduler/rate-limiter.ts';

const US = 1000;
const CAPACITY = 3;
const TIMEOUT_US = 300;
const SLOT = { name: 'slot', device: 0 };

type Action =
  | { kind: 'send'; model: number; timeoutUs: number }
  | { kind: 'finish'; which: number }
  | { kind: 'fail'; which: number }
  | { kind: 'cancel'; back: number }
  | { kind: 'close'; model: number }
  | { kind: 'wait'; us: number };

const ACTION: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 80,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      model: fc.nat(2),
      timeoutUs: fc.constantFrom(0, 0, 100, 200),
    }),
  },
  { weight: 50, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat(9) }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('fail' as const), which: fc.nat(9) }) },
  { weight: 40, arbitrary: fc.record({ kind: fc.constant('cancel' as const), back: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), model: fc.nat(2) }) },
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('wait' as const), us: fc.nat(150) }) },
);

/** Instances with their needs (0: none) and priorities, and how the model batches. */
const CONFIG: fc.Arbitrary<ModelConfig> = fc
  .record({
    groups: fc.array(fc.record({ need: fc.nat(CAPACITY), priority: fc.nat(3) }), {
      minLength: 1,
      maxLength: 2,
    }),
    delayUs: fc.constantFrom(0, 0, 50),
    batches: fc.boolean(),
  })
  .map(({ groups, delayUs, batches }) =>
    createModelConfig({
      max_batch_size: 2,
      instance_group: groups.map(({ need, priority }, at) => groupNeeding(`g${at}`, need, priority)),
      ...(batches && {
        dynamic_batching: {
          max_queue_delay_microseconds: delayUs,
          default_queue_policy: { default_timeout_microseconds: TIMEOUT_US, allow_timeout_override: true },
        },
      }),
    }),
  );

/** A request that was taken in. */
interface Sent {
  readonly recorded: RecordedRequest;
  readonly deadline: number;
  answeredAt: number;
}

class Traffic {
  readonly clock = new ManualClock();
  readonly limiter = new RateLimiter([{ name: SLOT.name, count: CAPACITY }]);
  readonly sent: Sent[] = [];
  models: readonly LimitedModel[] = [];
  readonly #closed = new Set<LimitedModel>();
  readonly #configs: readonly ModelConfig[];

  constructor(configs: readonly ModelConfig[]) {
    this.#configs = configs;
  }

  async load(): Promise<void> {
    this.models = await Promise.all(this.#configs.map((config) => createLimitedModel(config, this)));
  }

  async apply(action: Action): Promise<void> {
    if (action.kind === 'send') this.#send(action);
    else if (action.kind === 'cancel') this.sent.at(-1 - action.back)?.recorded.request.cancel();
    else if (action.kind === 'wait') this.clock.advance(action.us * US);
    else if (action.kind === 'close') await this.#close(action.model);
    else {
      const { running } = this;
      const batch = running[action.which % Math.max(1, running.length)];
      if (action.kind === 'fail') batch?.fail('no luck');
      else batch?.finish();
    }
    this.clock.advance(0);
    this.#assertHeld();
    this.#assertNotKeptForNothing();
  }

  get running() {
    return this.models.flatMap((model) => model.running);
  }

  /** Ends what runs until nothing is left. */
  drain(): void {
    while (this.sent.some(({ answeredAt }) => answeredAt < 0)) {
      // With time enough for every delay, who waits has nobody to wait for but those that run.
      this.clock.advance(100 * US);
      const [first] = this.running;
      if (first === undefined) break;
      first.finish();
      this.#assertHeld();
    }
  }

  check(): void {
    for (const [at, { recorded, deadline, answeredAt }] of this.sent.entries()) {
      assert.equal(recorded.finals(), 1, `answers to request ${at}`);
      const [error] = recorded.errors();
      if (error?.includes('timeout') === true) assert.equal(answeredAt, deadline);
      else assert.match(error ?? '', /^$|cancelled|no luck|shutting down/);
      const { started } = recorded.request.times;
      assert.ok(started < deadline, `request ${at} began after its deadline`);
    }
    assert.equal(this.limiter.held(SLOT), 0);
  }

  #send({ model: at, timeoutUs }: Extract<Action, { kind: 'send' }>): void {
    const model = this.models[at % this.models.length];
    if (model === undefined || this.#closed.has(model)) return;
    const limit = timeoutUs || TIMEOUT_US;
    const batching = this.#configs[at % this.models.length]?.dynamic_batching;
    const deadline = batching === undefined ? Infinity : this.clock.now() + limit * US;
    const recorded = model.send({ timeoutUs });
    // One that was executed or refused at once was answered now.
    const sent = { recorded, deadline, answeredAt: recorded.finals() > 0 ? this.clock.now() : -1 };
    recorded.request.wrapHandler((next) => (response, final) => {
      sent.answeredAt = this.clock.now();
      next(response, final);
    });
    this.sent.push(sent);
  }

  async #close(at: number): Promise<void> {
    const model = this.models[at % this.models.length];
    if (model === undefined || this.#closed.has(model)) return;
    this.#closed.add(model);
    model.scheduler.close();
    // As an executor that ends does with what it executes.
    for (const batch of [...model.running]) batch.fail('no luck');
    await model.pool.close();
  }

  /** What is held is what the running instances need, and there is that much. */
  #assertHeld(): void {
    const needs = this.models.flatMap((model, at) =>
      model.running.map(({ instanceName }) => this.#needOf(at, instanceName)),
    );
    const total = needs.reduce((sum, need) => sum + need, 0);
    assert.equal(this.limiter.held(SLOT), total);
    assert.ok(total <= CAPACITY, `${total} of ${CAPACITY} are held`);
  }

  /** The only one that waits has nobody before it: it waits for what is held, and not for what nobody wants any more. */
  #assertNotKeptForNothing(): void {
    const waiting = [...this.models.entries()].filter(([, { statistics }]) => statistics.pending > 0);
    const [[at, model] = [-1, undefined]] = waiting;
    const config = this.#configs[at];
    const isDelayed =
      config?.dynamic_batching !== undefined && config.dynamic_batching.max_queue_delay_microseconds > 0;
    const isPlain = config?.instance_group.length === 1 && !isDelayed;
    if (waiting.length !== 1 || !isPlain || model === undefined || model.running.length > 0) return;
    assert.ok(
      this.limiter.held(SLOT) + this.#needOf(at, 'g0_0') > CAPACITY,
      'it waits though there is enough',
    );
  }

  #needOf(model: number, instanceName: string): number {
    const groups = this.#configs[model]?.instance_group ?? [];
    const group = groups.find(({ name }) => instanceName.startsWith(`${name}_`));
    return group?.rate_limiter?.resources[0]?.count ?? 0;
  }
}

test('models that share resources answer each request once and in time, and never hold more than there is', async () => {
  await checkSchedules(
    fc.asyncProperty(
      fc.array(CONFIG, { minLength: 1, maxLength: 3 }),
      fc.array(ACTION, { maxLength: 80 }),
      async (configs, actions) => {
        const traffic = new Traffic(configs);
        await traffic.load();
        for (const action of actions) await traffic.apply(action);
        traffic.drain();
        traffic.check();
      },
    ),
    4000,
  );
});
