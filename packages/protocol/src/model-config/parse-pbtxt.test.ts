import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ModelConfig } from '../gen/model-config.ts';
import { createModelConfig } from './create-model-config.ts';
import { parsePbtxt, parsePbtxtWithPositions } from './parse-pbtxt.ts';

function parse(text: string): ModelConfig {
  return parsePbtxt(text, { file: 'config.pbtxt' });
}

function refuses(text: string, message: string): void {
  assert.throws(() => parse(text), {
    name: 'InferenceServerError',
    code: 'INVALID_ARG',
    message: `config.pbtxt:${message}`,
  });
}

/** The dimensions of the only input of a text. */
function dims(text: string): readonly number[] | undefined {
  return parse(text).input[0]?.dims;
}

test('reads a configuration as users write it', () => {
  const config = parse(`
    # a comment
    name: "addsub"
    backend: "onnxruntime"
    max_batch_size: 8
    input [
      { name: "A", data_type: TYPE_FP32, dims: [ 4 ] },
      { name: "B" data_type: TYPE_FP32 dims: [ -1, 2 ] reshape { shape: [] } }
    ]
    output { name: "OUT" data_type: TYPE_INT32 dims: 4 }
    dynamic_batching { }
    parameters { key: "k" value { string_value: "v" } }
  `);
  const expected = createModelConfig({
    name: 'addsub',
    backend: 'onnxruntime',
    max_batch_size: 8,
    input: [
      { name: 'A', data_type: 'TYPE_FP32', dims: [4] },
      { name: 'B', data_type: 'TYPE_FP32', dims: [-1, 2], reshape: {} },
    ],
    output: [{ name: 'OUT', data_type: 'TYPE_INT32', dims: [4] }],
    dynamic_batching: {},
    parameters: { k: { string_value: 'v' } },
  });
  assert.deepEqual(config, expected);
});

test('an empty text is an empty configuration', () => {
  assert.deepEqual(parse(' # nothing'), createModelConfig());
});

describe('messages', () => {
  for (const text of [
    'version_policy { all { } }',
    'version_policy: { all: { } }',
    'version_policy < all <> >',
    'version_policy: < all: {}; >,',
  ]) {
    test(`${text} may be written so`, () => {
      assert.deepEqual(parse(text).version_policy, { all: {} });
    });
  }

  test('fields may be separated by commas, semicolons or nothing', () => {
    const { name, platform, backend } = parse('name: "a", platform: "b"; backend: "c"');
    assert.deepEqual([name, platform, backend], ['a', 'b', 'c']);
  });
});

describe('repeated fields', () => {
  test('gather all lists and single values', () => {
    assert.deepEqual(dims('input { dims: 1 dims: [2, 3] dims: [] dims: 4 }'), [1, 2, 3, 4]);
  });

  test('of messages may be lists', () => {
    const names = parse('input [{name: "a"}, {name: "b"}] input: [] input < name: "c" >').input.map(
      (i) => i.name,
    );
    assert.deepEqual(names, ['a', 'b', 'c']);
  });
});

describe('maps', () => {
  test('gather entries; the last of equal keys counts', () => {
    const { metric_tags: tags } = parse(`
      metric_tags { key: "a" value: "1" }
      metric_tags [ { value: "2", key: "b" }, { key: "a" value: "3" } ]`);
    assert.deepEqual(tags, { a: '3', b: '2' });
  });

  test('take defaults for what an entry leaves out', () => {
    assert.deepEqual(parse('metric_tags {}').metric_tags, { '': '' });
    assert.deepEqual(parse('parameters { key: "a" }').parameters, { a: { string_value: '' } });
  });

  test('keep integer keys as text', () => {
    const config = parse(
      'dynamic_batching { priority_queue_policy { key: 0x3 value { max_queue_size: 1 } } }',
    );
    assert.deepEqual(Object.keys(config.dynamic_batching?.priority_queue_policy ?? {}), ['3']);
  });

  test('hold keys that JavaScript objects have by nature', () => {
    const { metric_tags: tags } = parse('metric_tags { key: "__proto__" value: "x" }');
    assert.deepEqual(Object.entries(tags), [['__proto__', 'x']]);
  });
});

describe('scalars', () => {
  test('integers are decimal, hexadecimal or octal', () => {
    assert.deepEqual(dims('input { dims: [7, 0x1F, 017, -1, - 2, 0] }'), [7, 31, 15, -1, -2, 0]);
  });

  test('64-bit integers above 2^53 become the nearest number', () => {
    const config = parse('dynamic_batching { max_queue_delay_microseconds: 18446744073709551615 }');
    assert.equal(config.dynamic_batching?.max_queue_delay_microseconds, 2 ** 64);
  });

  test('floats are written in many ways', () => {
    const values = '1, 1., .5, 1e3, 1.5f, -inf, nan, Infinity';
    const config = parse(`model_metrics { metric_control { histogram_options { buckets: [${values}] } } }`);
    const buckets = config.model_metrics?.metric_control[0]?.histogram_options?.buckets;
    assert.deepEqual(buckets, [1, 1, 0.5, 1000, 1.5, -Infinity, NaN, Infinity]);
  });

  test('single-precision floats stay as short as they are written', () => {
    const config = parse('sequence_batching { direct { minimum_slot_utilization: 0.1 } }');
    assert.equal(config.sequence_batching?.direct?.minimum_slot_utilization, 0.1);
  });

  test('booleans are written in many ways', () => {
    const values = ['true', 'True', 't', '1', 'false', 'False', 'f', '0'].map(
      (text) => parse(`input { optional: ${text} }`).input[0]?.optional,
    );
    assert.deepEqual(values, [true, true, true, true, false, false, false, false]);
  });

  test('enums are names or numbers', () => {
    assert.equal(parse('input { data_type: TYPE_FP32 }').input[0]?.data_type, 'TYPE_FP32');
    assert.equal(parse('input { data_type: 11 }').input[0]?.data_type, 'TYPE_FP32');
  });

  test('strings side by side are one', () => {
    assert.equal(parse(`name: "a" 'b'\n# c\n"d"`).name, 'abd');
  });

  test('strings may hold every escape', () => {
    assert.equal(
      parse(String.raw`name: "\a\b\t\n\v\f\r\"\'\?\\ \101\x41\u0041\U0001F600\ud83d\ude00 é"`).name,
      '\x07\b\t\n\v\f\r"\'?\\ AAA😀😀 é',
    );
  });

  test('escapes may write UTF-8 byte by byte', () => {
    assert.equal(parse(String.raw`name: "\303" "\xa9"`).name, 'é');
  });
});

describe('refuses', () => {
  const cases: readonly (readonly [text: string, message: string])[] = [
    ['max_batchsize: 8', "1:1: unknown field 'max_batchsize' in ModelConfig; did you mean 'max_batch_size'?"],
    ['\n\n  colour: 1', "3:3: unknown field 'colour' in ModelConfig"],
    ['input { data_type: TYPE_FP23 }', "1:20: unknown DataType 'TYPE_FP23'; did you mean 'TYPE_FP32'?"],
    ['input { data_type: FP32 }', "1:20: unknown DataType 'FP32'; did you mean 'TYPE_FP32'?"],
    [
      'input { format: 7 }',
      "1:17: unknown Format '7'; expected one of FORMAT_NONE, FORMAT_NHWC, FORMAT_NCHW",
    ],
    [
      'input { data_type: "TYPE_FP32" }',
      `1:20: expected a DataType without quotes for 'data_type', found "TYPE_FP32"`,
    ],
    [
      'metric_tags { kye: "a" }',
      "1:15: unknown field 'kye' in an entry of 'metric_tags'; did you mean 'key'?",
    ],
    ['name "a"', `1:6: expected ':' after 'name', found "a"`],
    ['name: a', "1:7: expected a string in quotes for 'name', found 'a'"],
    ['name: ["a"]', "1:7: expected a string in quotes for 'name', found '['"],
    [String.raw`name: "a\q"`, String.raw`1:9: unknown escape '\q' in a string`],
    [String.raw`name: "\ud83d"`, String.raw`1:8: unknown escape '\u' in a string`],
    [String.raw`name: "\xff"`, '1:7: expected text, found a string whose bytes are not UTF-8'],
    ['max_batch_size: "8"', `1:17: expected an integer for 'max_batch_size', found "8"`],
    ['max_batch_size: 1.5', "1:17: expected an integer for 'max_batch_size', found '1.5'"],
    ['max_batch_size: 089', "1:17: expected an integer for 'max_batch_size', found '089'"],
    [
      'max_batch_size: 3000000000',
      "1:17: expected int32 (-2147483648 to 2147483647) for 'max_batch_size', found 3000000000",
    ],
    [
      'instance_group { rate_limiter { priority: -1 } }',
      "1:44: expected uint32 (0 to 4294967295) for 'priority', found -1",
    ],
    ['input { optional: 2 }', "1:19: expected true or false for 'optional', found '2'"],
    ['name: "a"\nname: "b"', "2:1: 'name' is given a second time, first at 1:1"],
    ['version_policy {}\nversion_policy {}', "2:1: 'version_policy' is given a second time, first at 1:1"],
    [
      'dynamic_batching {}\nsequence_batching {}',
      "2:1: 'sequence_batching' excludes 'dynamic_batching' at 1:1: only one of them may be given",
    ],
    ['input {\n  dims: 1\n', "3:1: expected '}' to close the '{' at 1:7, found the end of the file"],
    ['input { >', "1:9: expected the name of a field of ModelInput, found '>'"],
    ['}', "1:1: expected the name of a field of ModelConfig, found '}'"],
    ['input: 5', "1:8: expected '{' for 'input', found '5'"],
    ['input { dims: [1, 2 }', "1:21: expected ',' or ']' in the list of 'dims', found '}'"],
    ['input { dims: [1, ] }', "1:19: expected an integer for 'dims', found ']'"],
    [
      '[foo.bar] {}',
      "1:1: expected the name of a field of ModelConfig, found '[': " +
        'extensions and Any values are not part of a model configuration',
    ],
  ];
  for (const [text, message] of cases) test(JSON.stringify(text), () => refuses(text, message));
});

test('endless repetition is refused at once', () => {
  for (const piece of ['{', '[', 'input {', 'input: [', '<', '"', '-', 'a']) {
    assert.throws(() => parse(piece.repeat(50_000)), { code: 'INVALID_ARG' });
  }
});

test('tells where each part stands', () => {
  const text = `name: "a"
input [
  { name: "X" dims: [ 1, -1 ] },
  { name: "Y" dims: 3 }
]
parameters { key: "k" value { string_value: "v" } }
`;
  const { positions } = parsePbtxtWithPositions(text, { file: 'f' });
  assert.deepEqual(
    [...positions].map(([path, { line, column }]) => `${path} ${line}:${column}`),
    [
      'name 1:1',
      'input 2:1',
      'input[0] 3:3',
      'input[0].name 3:5',
      'input[0].dims 3:15',
      'input[0].dims[0] 3:23',
      'input[0].dims[1] 3:26',
      'input[1] 4:3',
      'input[1].name 4:5',
      'input[1].dims 4:15',
      'input[1].dims[0] 4:21',
      'parameters 6:1',
      'parameters["k"] 6:12',
      'parameters["k"].string_value 6:31',
    ],
  );
});
