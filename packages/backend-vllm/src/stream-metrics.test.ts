import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Histogram, MetricFactory } from '@nereid/backend-sdk';
import { StreamMetrics } from './stream-metrics.ts';

/** How often each histogram observed something. */
function countObservations(): { readonly metrics: StreamMetrics; readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const factory: MetricFactory = {
    counter: ({ name }) => ({ increment: (by = 1) => counts.set(name, (counts.get(name) ?? 0) + by) }),
    gauge: () => ({ set: () => undefined, increment: () => undefined }),
    histogram: ({ name }): Histogram => ({
      observe: () => void counts.set(name, (counts.get(name) ?? 0) + 1),
    }),
  };
  return { metrics: new StreamMetrics(factory, {}), counts };
}

test('observes the first token, each gap, and the whole', () => {
  const { metrics, counts } = countObservations();
  const times = metrics.begin();
  times.onData(1, performance.now());
  times.onData(3, performance.now());
  times.onEnd({ promptTokens: 5, completionTokens: 4 });
  assert.deepEqual(Object.fromEntries(counts), {
    gen_ai_server_time_to_first_token_seconds: 1,
    gen_ai_server_inter_token_latency_seconds: 3,
    gen_ai_server_time_per_output_token_seconds: 1,
    gen_ai_server_request_duration_seconds: 1,
    nereid_llm_input_tokens_total: 5,
    nereid_llm_output_tokens_total: 4,
  });
});

test('sees no tokens in an answer that comes whole', () => {
  const { metrics, counts } = countObservations();
  const times = metrics.begin();
  times.onData(0, performance.now());
  times.onEnd({ promptTokens: 0, completionTokens: 9 });
  assert.deepEqual(
    [...counts.keys()],
    ['gen_ai_server_request_duration_seconds', 'nereid_llm_output_tokens_total'],
  );
});

test('counts the gaps between tokens that came with the first one, too', () => {
  const { metrics, counts } = countObservations();
  metrics.begin().onData(4, performance.now());
  assert.equal(counts.get('gen_ai_server_inter_token_latency_seconds'), 3);
});
