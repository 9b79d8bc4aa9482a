/** The one promise about queues that only the real clock can show: a late request is refused on time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import { buildRequest } from '../../test/build-request.ts';
import { FakeRunner } from '../../test/fake-runner.ts';
import { DynamicBatchScheduler } from './dynamic-batch-scheduler.ts';
import { createQueuePolicies } from './queue-policies.ts';
import { SystemClock } from './system-clock.ts';

const BOUND_MS = 5;
const REQUESTS = 40;
/** A busy machine may spoil many rounds, not all of them. */
const ROUNDS = 20;

const CONFIG = createModelConfig({
  max_batch_size: 1,
  dynamic_batching: {
    default_queue_policy: { default_timeout_microseconds: 1_000_000, allow_timeout_override: true },
  },
});

/** Median lateness in milliseconds of requests that time out, 1 ms one after the other, behind one that never ends. */
async function measureLateness(): Promise<number> {
  const clock = new SystemClock();
  const statistics = { pending: 0, recordFailure: () => undefined };
  const runner = new FakeRunner();
  const scheduler = new DynamicBatchScheduler(
    { config: CONFIG, runner, clock, statistics },
    createQueuePolicies(CONFIG),
  );
  scheduler.enqueue(buildRequest().request);
  const refusals = Array.from({ length: REQUESTS }, (_, at) => {
    const timeoutUs = (at + 2) * 1000;
    const { request } = buildRequest({ timeoutUs });
    const due = clock.now() + timeoutUs * 1000;
    const { promise, resolve } = Promise.withResolvers<number>();
    request.wrapHandler(() => () => resolve((clock.now() - due) / 1e6));
    scheduler.enqueue(request);
    return promise;
  });
  const lateness = await Promise.all(refusals);
  runner.finish(0);
  scheduler.close();
  return lateness.toSorted((a, b) => a - b)[REQUESTS / 2] ?? Infinity;
}

test(`refuses a late request within ${BOUND_MS} ms of its deadline`, async () => {
  let best = Infinity;
  for (let round = 0; round < ROUNDS && best > BOUND_MS; round += 1) {
    best = Math.min(best, await measureLateness());
  }
  assert.ok(best >= 0 && best <= BOUND_MS, `median lateness ${best.toFixed(2)} ms`);
});
