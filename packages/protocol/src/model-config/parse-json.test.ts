import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ModelConfig } from '../gen/model-config.ts';
import { createModelConfig } from './create-model-config.ts';
import { parseModelConfigJson } from './parse-json.ts';

function parse(value: unknown): ModelConfig {
  return parseModelConfigJson(JSON.stringify(value), { source: 'config' });
}

test('reads names of the proto and in camelCase', () => {
  const config = parse({
    max_batch_size: 8,
    versionPolicy: { specific: { versions: [1, 3] } },
    input: [{ name: 'X', dataType: 'TYPE_FP32', dims: [4] }],
  });
  const expected = createModelConfig({
    max_batch_size: 8,
    version_policy: { specific: { versions: [1, 3] } },
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [4] }],
  });
  assert.deepEqual(config, expected);
});

test('integers may be strings', () => {
  assert.deepEqual(parse({ max_batch_size: '8', input: [{ dims: ['-1', 2] }] }).input[0]?.dims, [-1, 2]);
});

test('enums are names in any case, or numbers', () => {
  const types = ['TYPE_FP32', 'type_fp32', 11].map(
    (data_type) => parse({ input: [{ data_type }] }).input[0]?.data_type,
  );
  assert.deepEqual(types, ['TYPE_FP32', 'TYPE_FP32', 'TYPE_FP32']);
});

test('floats may be the words that JSON has no numbers for', () => {
  const buckets = [1, 0.5, '2.5', 'Infinity', '-Infinity', 'NaN'];
  const config = parse({ model_metrics: { metric_control: [{ histogram_options: { buckets } }] } });
  assert.deepEqual(config.model_metrics?.metric_control[0]?.histogram_options?.buckets, [
    1,
    0.5,
    2.5,
    Infinity,
    -Infinity,
    NaN,
  ]);
});

test('null is the same as absent', () => {
  assert.deepEqual(parse({ name: null, input: null, dynamic_batching: null }), createModelConfig());
});

test('maps keep keys that JavaScript objects have by nature', () => {
  const { metric_tags: tags } = parseModelConfigJson('{"metric_tags":{"__proto__":"x"}}', {
    source: 'config',
  });
  assert.deepEqual(Object.entries(tags), [['__proto__', 'x']]);
});

describe('refuses', () => {
  const cases: readonly (readonly [value: unknown, message: string])[] = [
    [[], 'expected an object for the configuration, found a list'],
    [{ max_batchsize: 1 }, "unknown field 'max_batchsize' in ModelConfig; did you mean 'max_batch_size'?"],
    [
      { parameters: { a: { string_vale: 'x' } } },
      `unknown field 'string_vale' in ModelParameter; did you mean 'string_value'? (in 'parameters["a"]')`,
    ],
    [{ name: 5 }, "expected a string for 'name', found 5"],
    [{ input: {} }, "expected a list for 'input', found an object"],
    [{ input: [null] }, "expected an object for 'input[0]', found null"],
    [{ input: [{ dims: [1, 'x'] }] }, `expected an integer for 'input[0].dims[1]', found "x"`],
    [{ input: [{ optional: 'true' }] }, `expected true or false for 'input[0].optional', found "true"`],
    [
      { input: [{ data_type: 'FP32' }] },
      "unknown DataType 'FP32' for 'input[0].data_type'; did you mean 'TYPE_FP32'?",
    ],
    [
      { input: [{ data_type: true }] },
      "expected the name of a DataType for 'input[0].data_type', found true",
    ],
    [{ max_batch_size: 1.5 }, "expected an integer for 'max_batch_size', found 1.5"],
    [
      { max_batch_size: 5e9 },
      "expected int32 (-2147483648 to 2147483647) for 'max_batch_size', found 5000000000",
    ],
    [
      { sequence_batching: { direct: { minimum_slot_utilization: 'a' } } },
      `expected a number for 'sequence_batching.direct.minimum_slot_utilization', found "a"`,
    ],
    [
      { dynamic_batching: { priority_queue_policy: { x: {} } } },
      `expected an integer for 'dynamic_batching.priority_queue_policy["x"]', found "x"`,
    ],
    [
      { dynamic_batching: {}, sequence_batching: {} },
      "'sequence_batching' excludes 'dynamic_batching': only one of them may be given",
    ],
    [{ max_batch_size: 1, maxBatchSize: 2 }, "'max_batch_size' is given twice"],
  ];
  for (const [value, message] of cases) {
    test(JSON.stringify(value), () => {
      assert.throws(() => parse(value), { code: 'INVALID_ARG', message: `config: ${message}` });
    });
  }

  test('text that is no JSON', () => {
    for (const text of ['', '{', '[['.repeat(100_000)]) {
      assert.throws(() => parseModelConfigJson(text, { source: 'config' }), {
        code: 'INVALID_ARG',
        message: /^config: not valid JSON: /,
      });
    }
  });
});
