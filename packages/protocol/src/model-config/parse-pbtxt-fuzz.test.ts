/** Whatever the text, the parser gives a configuration or an error with a place in the text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceServerError } from '../inference-server-error.ts';
import { parsePbtxt } from './parse-pbtxt.ts';

const CONFIG = `name: "seq" # a comment
platform: 'onnxruntime_onnx'
max_batch_size: 8
version_policy: { specific { versions: [1, 3] } }
input [ { name: "IN" data_type: TYPE_INT32 dims: [ -1, 4 ] reshape { shape: [] } }, { name: "B", dims: 0x1 } ]
output < name: "OUT"; data_type: 8; dims: 017; label_filename: "a" "\\x62\\u0063" >
instance_group { kind: KIND_CPU count: 2 rate_limiter { resources { name: "R" global: true count: 1 } } }
sequence_batching {
  direct { minimum_slot_utilization: 1.e-1 max_queue_delay_microseconds: 100 }
  control_input { name: "START" control { kind: CONTROL_SEQUENCE_START fp32_false_true: [-0., inf] } }
}
parameters { key: "k" value: { string_value: "v" } }
metric_tags { key: "t" value: "u" }
`;

/** Bits of syntax that mutations put in. */
const PIECES = [
  ...`{ } [ ] < > : , ; - # " ' \\ é 😀 0 1 0x 1e . inf nan true TYPE_FP32 name input dims key value`.split(
    ' ',
  ),
  '\n',
  '\0',
  ' ',
  '\ud800',
  '9'.repeat(30),
  'input {',
  'dynamic_batching {}',
  '[a.b/c]',
  '"\\377"',
  '__proto__',
];

const EDIT = fc.record({
  at: fc.nat(CONFIG.length),
  remove: fc.oneof(fc.constant(0), fc.nat(20)),
  insert: fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 5 })),
});

const MUTATED = fc
  .array(EDIT, { minLength: 1, maxLength: 4 })
  .map((edits) =>
    edits.reduce(
      (text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove),
      CONFIG,
    ),
  );

const SOUP = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join(' '));

function holds(text: string): void {
  try {
    parsePbtxt(text, { file: 'config.pbtxt' });
  } catch (error) {
    assert.ok(InferenceServerError.is(error), String(error));
    assert.equal(error.code, 'INVALID_ARG');
    const [, line, column] = /^config\.pbtxt:(\d+):(\d+): ./.exec(error.message) ?? [];
    const length = text.split('\n')[Number(line) - 1]?.length;
    assert.ok(length !== undefined && Number(column) >= 1 && Number(column) <= length + 1, error.message);
  }
}

test('a configuration with mutations', () => {
  parsePbtxt(CONFIG, { file: 'config.pbtxt' });
  fc.assert(fc.property(MUTATED, holds), { numRuns: 2000 });
});

test('pieces of syntax in any order', () => {
  fc.assert(fc.property(SOUP, holds), { numRuns: 2000 });
});

test('any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), holds), { numRuns: 500 });
});

test('a configuration cut off anywhere', () => {
  for (let end = 0; end < CONFIG.length; end++) holds(CONFIG.slice(0, end));
});
