/** What becomes of requests while their models wait for resources. The clock is the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig, type Init, type ModelConfig } from '@nereid/protocol/model-config';
import { createLimitedModel, groupNeeding, needing, type LimitedModel } from '../../test/limited-models.ts';
import { int32, sequenceConfig } from '../../test/sequence-bench.ts';
import { ManualClock } from '../scheduler/manual-clock.ts';
import { RateLimiter } from '../scheduler/rate-limiter.ts';

const MS = 1_000_000;
const SLOT = { name: 'slot', device: 0 };

type Batching = Init<NonNullable<ModelConfig['dynamic_batching']>>;

const batching = (fields: Batching, more: Init<ModelConfig> = {}): ModelConfig =>
  needing(1, { max_batch_size: 4, dynamic_batching: fields, ...more });

/** A server with one unit of `slot` (or more), and a model that holds it until its request ends. */
class Bench {
  readonly clock = new ManualClock();
  readonly limiter: RateLimiter;

  constructor(slots = 1) {
    this.limiter = new RateLimiter([{ name: 'slot', count: slots }]);
  }

  model(config: ModelConfig): Promise<LimitedModel> {
    return createLimitedModel(config, this);
  }

  /** Lets those who wait go on. */
  async hold(): Promise<() => void> {
    const holder = await this.model(needing(1));
    holder.send();
    return () => holder.running[0]?.finish();
  }

  get held(): number {
    return this.limiter.held(SLOT);
  }
}

test('a request that waits for resources is refused at its deadline', async () => {
  const bench = new Bench();
  const release = await bench.hold();
  const policy = { default_timeout_microseconds: 20_000, allow_timeout_override: true };
  const model = await bench.model(batching({ default_queue_policy: policy }));
  const late = model.send({ timeoutUs: 3000 });
  const patient = model.send();
  bench.clock.advance(3 * MS - 1);
  assert.equal(late.finals(), 0);
  bench.clock.advance(1);
  assert.match(late.errors()[0] ?? '', /Request timeout expired/);
  release();
  assert.equal(model.running.length, 1);
  model.running[0]?.finish();
  assert.deepEqual(patient.errors(), []);
});

test('requests that wait for resources count for max_queue_size', async () => {
  const bench = new Bench();
  const release = await bench.hold();
  const model = await bench.model(batching({ default_queue_policy: { max_queue_size: 2 } }));
  model.send();
  model.send();
  bench.clock.advance(0);
  assert.throws(() => model.send(), { code: 'UNAVAILABLE', message: /Exceeds maximum queue size of 2/ });
  release();
  model.send();
});

test('the batch is formed when the turn comes: with what came meanwhile, the most urgent first', async () => {
  const bench = new Bench();
  const release = await bench.hold();
  const model = await bench.model(batching({ priority_levels: 2, default_priority_level: 2 }));
  model.send({ id: 'first', batchSize: 2 });
  bench.clock.advance(0);
  model.send({ id: 'second', batchSize: 2 });
  model.send({ id: 'urgent', batchSize: 2, priority: 1 });
  bench.clock.advance(0);
  assert.deepEqual(model.batches, []);
  release();
  assert.deepEqual(model.batches, [['urgent', 'first']]);
});

test('the time until the turn is time in the queue', async () => {
  const bench = new Bench();
  const release = await bench.hold();
  const model = await bench.model(needing(1));
  model.send();
  bench.clock.advance(7 * MS);
  release();
  bench.clock.advance(2 * MS);
  model.running[0]?.finish();
  const { queue } = model.statistics.toJson().inference_stats;
  assert.equal(queue.ns, 7 * MS);
});

test('a request that is cancelled while it waits is answered at once, and nothing is kept for it', async () => {
  const bench = new Bench(3);
  await bench.hold();
  const large = await bench.model(needing(3));
  const small = await bench.model(needing(1));
  const cancelled = large.send();
  small.send();
  assert.equal(small.running.length, 0, 'what the large one needs is kept');
  cancelled.request.cancel();
  assert.match(cancelled.errors()[0] ?? '', /request was cancelled/);
  assert.equal(small.running.length, 1);
});

test('a request that expires while it waits leaves nothing that is kept for it', async () => {
  const bench = new Bench(3);
  await bench.hold();
  const policy = { default_timeout_microseconds: 1000 };
  const group = [groupNeeding('g', 3)];
  const large = await bench.model(batching({ default_queue_policy: policy }, { instance_group: group }));
  const small = await bench.model(needing(1));
  large.send();
  bench.clock.advance(0);
  small.send();
  bench.clock.advance(MS);
  assert.equal(small.running.length, 1);
});

test('a turn that finds a batch which is still to grow goes back', async () => {
  const bench = new Bench();
  const release = await bench.hold();
  const delayed = await bench.model(
    batching({ max_queue_delay_microseconds: 5000, preferred_batch_size: [2] }),
  );
  const one = delayed.send({ id: 'one' });
  delayed.send({ id: 'two' });
  bench.clock.advance(0);
  one.request.cancel();
  release();
  assert.deepEqual([delayed.running.length, bench.held], [0, 0]);
  bench.clock.advance(5 * MS);
  assert.deepEqual(delayed.batches, [['two']]);
});

test('instances of several models run by their priority, however long the queues are', async () => {
  const bench = new Bench();
  const often = await bench.model(needing(1, { instance_group: [groupNeeding('g', 1, 1)] }));
  const seldom = await bench.model(needing(1, { instance_group: [groupNeeding('g', 1, 3)] }));
  for (let at = 0; at < 100; at += 1) {
    seldom.send();
    often.send();
  }
  for (let at = 0; at < 80; at += 1) (often.running[0] ?? seldom.running[0])?.finish();
  assert.deepEqual([often.batches.length, seldom.batches.length], [60, 21]);
});

test('of the instances of a model that are free, those of the better priority get more', async () => {
  const bench = new Bench();
  const groups = [groupNeeding('seldom', 1, 3), groupNeeding('often', 1, 1)];
  const model = await bench.model(createModelConfig({ name: 'm', instance_group: groups }));
  const ran: string[] = [];
  for (let at = 0; at < 40; at += 1) {
    model.send();
    bench.clock.advance(0);
    const [batch] = model.running;
    ran.push(batch?.instanceName ?? '');
    batch?.finish();
  }
  assert.equal(ran.filter((name) => name === 'often_0').length, 30);
});

test('an execution that fails gives its resources back', async () => {
  const bench = new Bench();
  const model = await bench.model(needing(1));
  const [failed, next] = [model.send(), model.send()];
  model.running[0]?.fail('executor is gone');
  assert.match(failed.errors()[0] ?? '', /executor is gone/);
  assert.equal(model.running.length, 1);
  model.running[0]?.finish();
  assert.deepEqual([next.errors(), bench.held], [[], 0]);
});

test('a model whose requests wait drains: they get their turn', async () => {
  const bench = new Bench();
  const release = await bench.hold();
  const model = await bench.model(needing(1));
  const sent = [model.send(), model.send()];
  let isDrained = false;
  const drained = model.scheduler.drain().then(() => (isDrained = true));
  release();
  model.running[0]?.finish();
  await Promise.resolve();
  assert.equal(isDrained, false);
  model.running[0]?.finish();
  await drained;
  assert.deepEqual(
    sent.map(({ finals }) => finals()),
    [1, 1],
  );
});

test('closing a model refuses what waits, and gives up its wait', async () => {
  const bench = new Bench(3);
  await bench.hold();
  const large = await bench.model(needing(3));
  const small = await bench.model(needing(1));
  const waiting = large.send();
  small.send();
  large.scheduler.close();
  assert.equal(waiting.finals(), 1);
  assert.match(waiting.errors()[0] ?? '', /shutting down/);
  assert.equal(small.running.length, 1, 'before the instances are closed');
  await large.pool.close();
  assert.equal(bench.held, 2);
});

test('closing the instances of a model gives back what it holds', async () => {
  const bench = new Bench();
  const old = await bench.model(needing(1));
  const successor = await bench.model(needing(1));
  old.send();
  successor.send();
  await old.pool.close();
  assert.equal(successor.running.length, 1);
});

test('an instance that is taken out while it waits leaves the batch to the others', async () => {
  const bench = new Bench();
  const release = await bench.hold();
  const { limiter, clock } = bench;
  const config = needing(1, { instance_group: [{ ...groupNeeding('g', 1), count: 2 }] });
  const model = await createLimitedModel(config, { limiter, clock });
  const sent = model.send();
  await model.removeInstance(0);
  release();
  assert.equal(model.running[0]?.instanceName, 'g_1');
  model.running[0].finish();
  assert.equal(sent.finals(), 1);
});

for (const [strategy, fields] of Object.entries({
  direct: { direct: {} },
  oldest: { oldest: { max_candidate_sequences: 2 } },
})) {
  test(`the steps of sequences wait for resources where they can be cancelled, strategy ${strategy}`, async () => {
    const bench = new Bench(2);
    const release = await bench.hold();
    const group = { instance_group: [groupNeeding('g', 2)] };
    const model = await bench.model(sequenceConfig({ ...fields, state: [] }, group));
    const other = await bench.model(needing(1));
    const step = (id: number) =>
      model.send({ inputs: [int32('INPUT', 1)], sequence: { id, start: true, end: true } });
    const cancelled = step(1);
    bench.clock.advance(0);
    other.send();
    cancelled.request.cancel();
    bench.clock.advance(0);
    assert.equal(cancelled.finals(), 1);
    assert.equal(other.running.length, 1, 'nothing is kept for it any more');
    other.running[0]?.finish();
    const waiting = step(2);
    bench.clock.advance(0);
    assert.equal(model.running.length, 0);
    release();
    bench.clock.advance(0);
    model.running[0]?.finish();
    assert.deepEqual([waiting.finals(), waiting.errors()], [1, []]);
  });
}
