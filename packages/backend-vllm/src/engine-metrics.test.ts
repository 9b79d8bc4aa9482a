import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetrics, waitingRequests } from './engine-metrics.ts';

const PAGE = `# HELP python_gc_objects_collected_total Objects collected during gc
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 1.0
# HELP vllm:num_requests_waiting Number of requests waiting.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting{engine="1",model_name="m"} 2.0
# HELP vllm:prompt_tokens_total Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="m"} 12.0
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0"} 1.7e+09
# HELP vllm:time_to_first_token_seconds Histogram of time to first token in seconds.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_sum{model_name="a \\"b\\" {c}"} 0.5
vllm:time_to_first_token_seconds_bucket{le="0.1",model_name="m"} 1.0
vllm:time_to_first_token_seconds_bucket{le="+Inf",model_name="m"} 2.0
vllm:time_to_first_token_seconds_count{model_name="m"} 2.0
# TYPE vllm:unused gauge
bare 7 1700000000000
`;

test('families keep their names and get the labels of the model', () => {
  const families = parseMetrics(PAGE, { model: 'l"m', version: '1' });
  assert.deepEqual(
    families.map(({ name, type, help, samples }) => [name, type, help, samples.length]),
    [
      ['vllm:num_requests_waiting', 'gauge', 'Number of requests waiting.', 2],
      ['vllm:prompt_tokens_total', 'counter', 'Number of prefill tokens processed.', 1],
      ['vllm:prompt_tokens_created', 'gauge', '', 1],
      ['vllm:time_to_first_token_seconds', 'histogram', 'Histogram of time to first token in seconds.', 4],
      ['bare', 'untyped', '', 1],
    ],
  );
  const labels = String.raw`model="l\"m",version="1"`;
  assert.equal(families[1]?.samples[0], `vllm:prompt_tokens_total{${labels},engine="0",model_name="m"} 12.0`);
  assert.equal(
    families[3]?.samples[0],
    String.raw`vllm:time_to_first_token_seconds_sum{${labels},model_name="a \"b\" {c}"} 0.5`,
  );
  assert.equal(families[4]?.samples[0], `bare{${labels}} 7`);
});

test('what waits in an engine is the sum of its cores', () => {
  assert.equal(waitingRequests(parseMetrics(PAGE, { model: 'm' })), 5);
  assert.equal(waitingRequests(parseMetrics('up 1\n', { model: 'm' })), undefined);
});
