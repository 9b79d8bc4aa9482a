import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import { createModelConfig, type ModelConfig } from '@nereid/protocol/model-config';
import { buildRequest, fp32, type RecordedRequest } from '../../test/build-request.ts';
import { RegionLease } from '../memory/region-lease.ts';
import type { InferenceRequestFields } from '../request/inference-request.ts';
import { FakeRunner } from '../../test/fake-runner.ts';
import { createScheduler } from '../scheduler/create-scheduler.ts';
import { ManualClock } from '../scheduler/manual-clock.ts';
import { ModelStatistics } from '../telemetry/statistics.ts';
import { CachedScheduler } from './cached-scheduler.ts';
import { LocalCache } from './local-cache.ts';
import type { CachedResponse, ResponseCache } from './response-cache.ts';

/** A cache elsewhere: answers when it is told to. */
class RemoteCache implements ResponseCache {
  readonly #local = new LocalCache(10_000);
  readonly #lookups: (() => void)[] = [];

  lookup(key: string): Promise<CachedResponse | undefined> {
    return new Promise((resolve) => this.#lookups.push(() => resolve(this.#local.lookup(key))));
  }

  insert(key: string, response: CachedResponse): void {
    this.#local.insert(key, response);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async answer(): Promise<void> {
    for (const answer of this.#lookups.splice(0)) answer();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Setup {
  readonly cache?: ResponseCache;
  readonly config?: Partial<ModelConfig>;
  readonly instances?: number;
}

function setUp({ cache = new LocalCache(10_000), config = {}, instances = 8 }: Setup = {}) {
  const runner = new FakeRunner(instances);
  const clock = new ManualClock();
  const statistics = new ModelStatistics({ model: 'm', version: '1', tags: {}, responseCache: true });
  const modelConfig = createModelConfig({ name: 'm', ...config });
  let files = 'a';
  const scheduler = new CachedScheduler({
    scheduler: createScheduler({
      config: modelConfig,
      modelDirectory: '',
      runner,
      clock,
      statistics,
      warn: assert.fail,
    }),
    cache,
    identity: () => files,
    preserveOrdering: modelConfig.dynamic_batching?.preserve_ordering ?? false,
    statistics,
    clock,
  });
  const send = (fields: Partial<InferenceRequestFields> = {}): RecordedRequest => {
    const recorded = buildRequest({ inputs: [fp32('X', [1], [1])], ...fields });
    scheduler.enqueue(recorded.request);
    clock.advance(0);
    return recorded;
  };
  const answer = (at: number, value: number, ...names: readonly string[]): void => {
    const outputs = (names.length > 0 ? names : ['Y']).map((name) => fp32(name, [1], [value]));
    for (const request of runner.batches[at]?.requests ?? [])
      request.respond({ outputs, parameters: { at }, error: undefined }, true);
  };
  return { scheduler, runner, clock, statistics, send, answer, reload: () => (files = 'b') };
}

const ask = (...names: readonly string[]) => ({
  requestedOutputs: names.map((name) => ({ name, classification: 0, binaryData: true })),
});

test('an equal request is answered from the cache, with the same outputs and parameters', () => {
  const { send, answer, runner } = setUp();
  const first = send({ id: 'a' });
  answer(0, 7);
  const second = send({ id: 'b', parameters: { other: true }, priority: 3 });
  assert.deepEqual(second.responses, first.responses);
  assert.equal(runner.batches.length, 1);
});

test('hits and misses are counted; a hit is a success without inference', () => {
  const { send, answer, statistics } = setUp();
  send();
  answer(0, 7);
  send();
  const { inference_stats: stats, inference_count: inferences } = statistics.toJson();
  const counts = [stats?.cache_hit, stats?.cache_miss, stats?.success, stats?.queue].map((s) =>
    Number(s?.count),
  );
  assert.deepEqual([...counts, inferences], [1, 1, 1, 1, 0]);
});

test('other inputs are executed', () => {
  const { send, answer, runner } = setUp();
  send();
  answer(0, 7);
  send({ inputs: [fp32('X', [1], [2])] });
  assert.equal(runner.batches.length, 2);
});

test('a model whose files changed does not get the answers of before', () => {
  const { send, answer, runner, reload } = setUp();
  send();
  answer(0, 7);
  reload();
  send();
  assert.equal(runner.batches.length, 2);
});

test('an answer that holds all outputs serves requests for some of them', () => {
  const { send, answer, runner } = setUp();
  send();
  answer(0, 7, 'Y', 'Z');
  assert.equal(send(ask('Z')).responses.length, 1);
  assert.equal(runner.batches.length, 1);
});

test('an answer that lacks an output serves only those who do not want it', () => {
  const { send, answer, runner } = setUp();
  send(ask('Y'));
  answer(0, 7, 'Y');
  assert.equal(send(ask('Y')).responses.length, 1);
  assert.equal(send(ask('Y', 'Z')).responses.length, 0);
  assert.equal(send().responses.length, 0);
  assert.equal(runner.batches.length, 3);
  answer(2, 8, 'Y', 'Z');
  assert.equal(send(ask('Y', 'Z')).responses[0]?.outputs.length, 2);
});

test('answers to requests that use shared memory are not stored, and were a miss', () => {
  const { send, answer, runner, statistics } = setUp();
  const sharedMemory = new RegionLease(() => assert.fail());
  send({ sharedMemory });
  answer(0, 1);
  send();
  assert.equal(runner.batches.length, 2);
  assert.equal(statistics.cacheMiss.count, 1);
});

test('errors are not stored, and were a miss', () => {
  const { send, runner, statistics } = setUp();
  send();
  runner.batches[0]?.requests[0]?.fail(new InferenceServerError('INTERNAL', 'on purpose'));
  send();
  assert.equal(runner.batches.length, 2);
  assert.equal(statistics.cacheMiss.count, 1);
});

test('equal requests in flight at the same time all execute', () => {
  const { send, runner } = setUp();
  send();
  send();
  assert.equal(runner.batches.length, 2);
});

test('a hit waits for earlier requests of a model that preserves the order', () => {
  const { send, answer } = setUp({
    config: { dynamic_batching: { ...DEFAULT_BATCHING, preserve_ordering: true } },
  });
  send();
  answer(0, 7);
  const miss = send({ inputs: [fp32('X', [1], [2])] });
  const hit = send();
  assert.deepEqual([miss.responses.length, hit.responses.length], [0, 0]);
  answer(1, 8);
  assert.deepEqual([miss.responses.length, hit.responses.length], [1, 1]);
});

test('a queue that is full fails the request, once', () => {
  const default_queue_policy = {
    timeout_action: 'REJECT' as const,
    default_timeout_microseconds: 0,
    allow_timeout_override: false,
    max_queue_size: 1,
  };
  const { send } = setUp({
    instances: 0,
    config: { dynamic_batching: { ...DEFAULT_BATCHING, default_queue_policy } },
  });
  send();
  assert.match(send({ inputs: [] }).errors().join(), /Exceeds maximum queue size/);
});

test('a cache elsewhere: requests wait for it, and are in flight meanwhile', async () => {
  const cache = new RemoteCache();
  const { send, answer, scheduler, runner } = setUp({ cache });
  send();
  assert.deepEqual([scheduler.inFlightCount, runner.batches.length], [1, 0]);
  await cache.answer();
  assert.deepEqual([scheduler.inFlightCount, runner.batches.length], [1, 1]);
  answer(0, 7);
  const hit = send();
  const drained = scheduler.drain();
  await cache.answer();
  await drained;
  assert.deepEqual([hit.responses.length, scheduler.inFlightCount, runner.batches.length], [1, 0, 1]);
});

test('a cache elsewhere: a cancelled request is answered at once and never executed', async () => {
  const cache = new RemoteCache();
  const { send, runner, statistics } = setUp({ cache });
  const { request, errors } = send();
  request.cancel();
  assert.match(errors().join(), /request was cancelled/);
  await cache.answer();
  assert.deepEqual([runner.batches.length, statistics.failures.CANCELED], [0, 1]);
});

test('a cache elsewhere: closing refuses those who wait for it', async () => {
  const cache = new RemoteCache();
  const { send, scheduler, runner } = setUp({ cache });
  const { errors } = send();
  scheduler.close();
  assert.match(errors().join(), /shutting down/);
  await cache.answer();
  assert.equal(runner.batches.length, 0);
});

const DEFAULT_BATCHING: NonNullable<ModelConfig['dynamic_batching']> = {
  preferred_batch_size: [],
  max_queue_delay_microseconds: 0,
  preserve_ordering: false,
  priority_levels: 0,
  default_priority_level: 0,
  priority_queue_policy: {},
};
