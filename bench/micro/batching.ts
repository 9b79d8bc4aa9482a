import { createModelConfig } from '@nereid/protocol/model-config';
import { createBatchRules, planBatch } from '../../packages/core/dist/scheduler/batch-builder.js';
import { RequestQueue, UNLIMITED } from '../../packages/core/dist/scheduler/request-queue.js';
import { createRequests } from './create-requests.ts';
import type { MicroBenchmark } from './micro-benchmark.ts';

/** The queue and the batch builder, each by itself and together: 64 requests come in, and leave as one batch. */
export function batchingBenchmarks(): readonly MicroBenchmark[] {
  const requests = createRequests(64);
  const rules = createBatchRules(createModelConfig({ max_batch_size: 64, dynamic_batching: {} }));
  const full = new RequestQueue([UNLIMITED]);
  for (const request of requests) full.push(request, 0);
  return [
    {
      name: 'Queue 64 requests and take them',
      run: (times) => {
        const queue = new RequestQueue([UNLIMITED]);
        for (let count = 0; count < times; count += 1) {
          for (const request of requests) queue.push(request, 0);
          queue.take(requests.length);
        }
      },
    },
    {
      name: 'Plan a batch of 64',
      run: (times) => {
        for (let count = 0; count < times; count += 1) planBatch(full, rules, 0);
      },
    },
    {
      name: 'Queue, plan and take a batch of 64',
      run: (times) => {
        const queue = new RequestQueue([UNLIMITED]);
        for (let count = 0; count < times; count += 1) {
          for (const request of requests) queue.push(request, 0);
          const plan = planBatch(queue, rules, 0);
          if (plan.kind === 'run') queue.take(plan.count);
        }
      },
    },
  ];
}
