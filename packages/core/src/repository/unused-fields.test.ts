import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePbtxtWithPositions } from '@nereid/protocol/model-config';
import { findUnusedFields } from './unused-fields.ts';

function unusedIn(text: string, switchedOff?: ReadonlySet<string>): readonly string[] {
  const { positions } = parsePbtxtWithPositions(text, { file: 'm/config.pbtxt' });
  return findUnusedFields({ file: 'm/config.pbtxt', positions }, switchedOff);
}

test('names a field without effect once, with its place', () => {
  const text =
    'backend: "identity"\ncc_model_filenames { key: "8.9" value: "x" }\noptimization { cuda { graphs: true } }';
  const [filenames, cuda, ...others] = unusedIn(text);
  assert.match(filenames ?? '', /^m\/config\.pbtxt:2:\d+: 'cc_model_filenames/);
  assert.match(cuda ?? '', /^m\/config\.pbtxt:3:\d+: 'optimization.cuda/);
  assert.deepEqual(others, []);
});

test('has nothing to say of a configuration that is used whole', () => {
  const text = `backend: "onnxruntime" max_batch_size: 8 parameters { key: "a.b[1]" value { string_value: "x" } }
    input [ { name: "X" data_type: TYPE_FP32 dims: [ -1, 4 ] } ] dynamic_batching { preferred_batch_size: [ 4 ] }`;
  assert.deepEqual(unusedIn(text), []);
});

test('names a field that an option leaves without effect', () => {
  const text = 'ensemble_scheduling { step { model_namespace: "/a" } step { model_namespace: "/b" } }';
  const field = 'ensemble_scheduling.step.model_namespace';
  assert.deepEqual(unusedIn(text), []);
  assert.deepEqual(unusedIn(text, new Set([field])), [`m/config.pbtxt:1:30: '${field}'`]);
});
