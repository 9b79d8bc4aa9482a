import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createModelConfig, type ModelConfig } from '@nereid/protocol/model-config';
import { buildRequest, type RecordedRequest } from '../../test/build-request.ts';
import { FakeRunner } from '../../test/fake-runner.ts';
import type { Batch } from './batch.ts';
import { DynamicBatchScheduler } from './dynamic-batch-scheduler.ts';
import { ManualClock } from './manual-clock.ts';
import { FRUITLESS_WAITS } from './queue-delay.ts';
import { createQueuePolicies } from './queue-policies.ts';

type Batching = NonNullable<Parameters<typeof createModelConfig>[0]>['dynamic_batching'];

class Bench {
  readonly clock = new ManualClock();
  readonly runner: FakeRunner;
  readonly failures: string[] = [];
  readonly statistics = {
    pending: 0,
    recordFailure: (_ns: number, reason: string): void => void this.failures.push(reason),
  };
  readonly scheduler: DynamicBatchScheduler;

  constructor(config: ModelConfig, instances = 1) {
    this.runner = new FakeRunner(instances);
    this.scheduler = new DynamicBatchScheduler(
      { config, runner: this.runner, clock: this.clock, statistics: this.statistics },
      createQueuePolicies(config),
    );
  }

  add(id: string, fields: Parameters<typeof buildRequest>[0] = {}): RecordedRequest {
    const recorded = buildRequest({ id, ...fields });
    this.scheduler.enqueue(recorded.request);
    return recorded;
  }

  /** Sends requests one after the other, each alone for the whole delay. */
  waitInVain(times: number): void {
    for (let time = 0; time < times; time += 1) {
      const count = this.runner.batches.length;
      this.add(`alone ${time}`);
      this.clock.advance(99_999);
      assert.equal(this.runner.batches.length, count);
      this.clock.advance(1);
      this.runner.finish(count);
    }
  }
}

const batching = (dynamic: Batching): ModelConfig =>
  createModelConfig({ name: 'm', max_batch_size: 4, ...(dynamic && { dynamic_batching: dynamic }) });

describe('DynamicBatchScheduler', () => {
  test('runs each request alone when the model has no dynamic batcher', () => {
    const bench = new Bench(createModelConfig({ max_batch_size: 4 }), 2);
    for (const id of ['a', 'b', 'c']) bench.add(id);
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids, [['a'], ['b']]);
    bench.runner.finish(0);
    assert.deepEqual(bench.runner.ids, [['a'], ['b'], ['c']]);
  });

  test('runs the first request of a turn at once, and those that came with it right after', () => {
    const bench = new Bench(createModelConfig({ max_batch_size: 4 }), 3);
    for (const id of ['a', 'b']) bench.add(id);
    assert.deepEqual(bench.runner.ids, [['a']]);
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids, [['a'], ['b']]);
    bench.add('c');
    assert.deepEqual(bench.runner.ids, [['a'], ['b'], ['c']]);
  });

  test('hands over what waits to an instance that takes it while it is busy', () => {
    const bench = new Bench(createModelConfig({}));
    bench.runner.ahead = 2;
    for (const id of ['a', 'b', 'c', 'd']) bench.add(id);
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids, [['a'], ['b'], ['c']]);
    assert.equal(bench.statistics.pending, 1);
  });

  test('keeps what waits in the queue where it may be overtaken or expire there', () => {
    const bench = new Bench(createModelConfig({ dynamic_batching: { priority_levels: 2 } }));
    bench.runner.ahead = 2;
    for (const id of ['a', 'b']) bench.add(id);
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids, [['a']]);
  });

  test('joins the requests that arrive together', () => {
    const bench = new Bench(batching({}));
    for (const id of ['a', 'b', 'c']) bench.add(id);
    assert.deepEqual(bench.runner.ids, []);
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids, [['a', 'b', 'c']]);
  });

  test('fills the next batch while all instances are busy', () => {
    const bench = new Bench(batching({}));
    bench.add('a');
    bench.clock.advance(0);
    for (const id of ['b', 'c', 'd', 'e', 'f']) bench.add(id);
    assert.equal(bench.statistics.pending, 5);
    bench.runner.finish(0);
    assert.deepEqual(bench.runner.ids, [['a'], ['b', 'c', 'd', 'e']]);
    assert.equal(bench.statistics.pending, 1);
  });

  test('honours the queue delay to the microsecond', () => {
    const bench = new Bench(batching({ max_queue_delay_microseconds: 100 }));
    bench.add('a');
    bench.clock.advance(99_999);
    assert.deepEqual(bench.runner.ids, []);
    bench.clock.advance(1);
    assert.deepEqual(bench.runner.ids, [['a']]);
  });

  test('does not wait for the delay once the batch is full', () => {
    const bench = new Bench(batching({ max_queue_delay_microseconds: 100 }));
    bench.add('a', { batchSize: 2 });
    bench.add('b', { batchSize: 2 });
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids, [['a', 'b']]);
  });

  test('waits no more once nobody has joined a number of waits in a row', () => {
    const bench = new Bench(batching({ max_queue_delay_microseconds: 100 }));
    bench.waitInVain(FRUITLESS_WAITS);
    bench.add('alone');
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids.at(-1), ['alone']);
  });

  test('waits again when two requests were there within the delay', () => {
    const bench = new Bench(batching({ max_queue_delay_microseconds: 100 }), 2);
    bench.waitInVain(FRUITLESS_WAITS);
    bench.add('a');
    bench.clock.advance(50_000);
    bench.add('b');
    bench.clock.advance(50_000);
    assert.deepEqual(bench.runner.ids.at(-1), ['a']);
    bench.add('c');
    bench.clock.advance(50_000);
    assert.deepEqual(bench.runner.ids.at(-1), ['b', 'c']);
  });

  test('forms preferred sizes of what comes together although waiting does not pay', () => {
    const bench = new Bench(batching({ preferred_batch_size: [2], max_queue_delay_microseconds: 100 }));
    bench.waitInVain(FRUITLESS_WAITS);
    for (const id of ['a', 'b', 'c']) bench.add(id);
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids.at(-1), ['a', 'b']);
  });

  test('does not count the wait of a request that was cancelled', () => {
    const bench = new Bench(batching({ max_queue_delay_microseconds: 100 }));
    bench.waitInVain(FRUITLESS_WAITS - 1);
    bench.add('cancelled').request.cancel();
    bench.clock.advance(200_000);
    bench.add('full', { batchSize: 4 });
    bench.clock.advance(0);
    bench.runner.finish(bench.runner.batches.length - 1);
    bench.add('waits');
    bench.clock.advance(99_999);
    assert.deepEqual(bench.runner.ids.at(-1), ['full']);
  });

  test('refuses a late request at its deadline, not when an instance becomes free', () => {
    const bench = new Bench(batching({ default_queue_policy: { default_timeout_microseconds: 50 } }));
    bench.add('a');
    bench.clock.advance(0);
    const late = bench.add('b');
    bench.clock.advance(50_000);
    assert.deepEqual(late.errors(), ['[request id: b] Request timeout expired']);
    assert.deepEqual(bench.failures, ['REJECTED']);
    assert.equal(bench.statistics.pending, 0);
  });

  test('refuses a request when the queue is full, and keeps nothing of it', () => {
    const bench = new Bench(batching({ default_queue_policy: { max_queue_size: 1 } }));
    bench.add('a');
    bench.clock.advance(0);
    bench.add('b');
    assert.throws(() => bench.add('c'), { code: 'UNAVAILABLE' });
    assert.equal(bench.scheduler.inFlightCount, 2);
    assert.equal(bench.statistics.pending, 1);
  });

  test('takes the priority of a request, and the default level for none or an unknown one', () => {
    const bench = new Bench(batching({ priority_levels: 3, default_priority_level: 2 }));
    bench.add('first');
    bench.clock.advance(0);
    bench.add('low', { priority: 3 });
    bench.add('unknown', { priority: 77 });
    bench.add('high', { priority: 1 });
    bench.runner.finish(0);
    assert.deepEqual(bench.runner.ids[1], ['high', 'unknown', 'low']);
  });

  test('answers a request that is cancelled in the queue', () => {
    const bench = new Bench(batching({}));
    bench.add('a');
    bench.clock.advance(0);
    const waiting = bench.add('b');
    waiting.request.cancel();
    assert.deepEqual(waiting.errors(), ['[request id: b] request was cancelled']);
    assert.deepEqual(bench.failures, ['CANCELED']);
  });

  test('lets responses leave in the order of requests with preserve_ordering', () => {
    const bench = new Bench(batching({ preserve_ordering: true }), 2);
    const a = bench.add('a');
    bench.clock.advance(0);
    const b = bench.add('b');
    bench.clock.advance(0);
    bench.runner.finish(1);
    assert.equal(b.responses.length, 0);
    bench.runner.finish(0);
    assert.equal(a.responses.length, 1);
    assert.equal(b.responses.length, 1);
  });

  test('drains when the last response is out', async () => {
    const bench = new Bench(batching({}));
    bench.add('a');
    bench.clock.advance(0);
    let isDrained = false;
    const drained = bench.scheduler.drain().then(() => {
      isDrained = true;
    });
    await Promise.resolve();
    assert.equal(isDrained, false);
    bench.runner.finish(0);
    await drained;
  });

  test('refuses what waits when it is closed', () => {
    const bench = new Bench(batching({}));
    bench.add('a');
    bench.clock.advance(0);
    const waiting = bench.add('b');
    bench.scheduler.close();
    assert.equal(waiting.errors().length, 1);
    assert.equal(bench.clock.pending, 0);
  });

  test('loses no response when one that leaves ends other requests on the spot', () => {
    const bench = new Bench(batching({ preserve_ordering: true, max_queue_delay_microseconds: 0 }));
    const first = buildRequest({ id: 'a' });
    first.request.wrapHandler((deliver) => (response, final) => {
      deliver(response, final);
      second.request.cancel();
    });
    bench.scheduler.enqueue(first.request);
    bench.clock.advance(0);
    const [second, third] = [bench.add('b'), bench.add('c')];
    bench.runner.finish(0);
    bench.runner.finish(1);
    assert.deepEqual(
      [first, second, third].map(({ responses }) => responses.length),
      [1, 1, 1],
    );
    assert.deepEqual(second.errors(), ['[request id: b] request was cancelled']);
  });

  test('refuses a request that was cancelled before it came', () => {
    const bench = new Bench(batching({}));
    const recorded = buildRequest({ id: 'a' });
    recorded.request.cancel();
    bench.scheduler.enqueue(recorded.request);
    bench.clock.advance(0);
    assert.deepEqual(bench.runner.ids, []);
    assert.equal(recorded.errors().length, 1);
    assert.deepEqual([bench.scheduler.inFlightCount, bench.statistics.pending], [0, 0]);
  });

  test('makes no deep stack of a long queue when a model answers at once', () => {
    const count = 20_000;
    const runner = new (class extends FakeRunner {
      override run(batch: Batch, instance: number): void {
        super.run(batch, instance);
        this.finish(this.batches.length - 1);
      }
    })();
    const clock = new ManualClock();
    const statistics = { pending: 0, recordFailure: () => undefined };
    const config = createModelConfig({ max_batch_size: 4 });
    const scheduler = new DynamicBatchScheduler(
      { config, runner, clock, statistics },
      createQueuePolicies(config),
    );
    for (let at = 0; at < count; at += 1) scheduler.enqueue(buildRequest().request);
    clock.advance(0);
    assert.equal(runner.batches.length, count);
    assert.equal(scheduler.inFlightCount, 0);
  });
});
