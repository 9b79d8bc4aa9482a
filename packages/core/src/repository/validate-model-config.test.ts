import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePbtxtWithPositions } from '@nereid/protocol/model-config';
import { knownBackends } from './known-backends.ts';
import { validateModelConfig } from './validate-model-config.ts';

const BACKENDS = knownBackends([]);
const BACKEND = 'backend: "python" max_batch_size: 4 ';
const ENSEMBLE =
  'platform: "ensemble" input { name: "IN" data_type: TYPE_FP32 dims: 1 } output { name: "OUT" data_type: TYPE_FP32 dims: 1 } ';

function validate(text: string): void {
  const { config, positions } = parsePbtxtWithPositions(`name: "m"\n${text}`, { file: 'm/config.pbtxt' });
  const source = { file: 'm/config.pbtxt', positions };
  validateModelConfig(config, { source, modelDirectory: '.', gpus: [], backends: BACKENDS });
}

/** A test for each: what is refused, and with which message. */
function refuses(table: Readonly<Record<string, readonly [text: string, message: RegExp]>>): void {
  for (const [name, [text, message]] of Object.entries(table)) {
    test(`refuses ${name}`, () => assert.throws(() => validate(text), { code: 'INVALID_ARG', message }));
  }
}

function control(kind: string, fields: string, name = 'C'): string {
  return `control_input { name: "${name}" control { kind: CONTROL_SEQUENCE_${kind} ${fields} } } `;
}

function step(input: string, output: string): string {
  return `step { model_name: "part" input_map { key: "X" value: "${input}" } output_map { key: "Y" value: "${output}" } } `;
}

test('accepts good configurations', () => {
  const start = control('START', 'int32_false_true: [0, 1]', 'START');
  const id = control('CORRID', 'data_type: TYPE_UINT64', 'ID');
  const state =
    'state { input_name: "I" output_name: "O" data_type: TYPE_FP32 dims: -1 initial_state { name: "zero" data_type: TYPE_FP32 dims: 2 zero_data: true } } ';
  for (const text of [
    BACKEND,
    'platform: "onnxruntime_onnx" backend: "onnxruntime"',
    'backend: "own" platform: "own_kind"',
    `${BACKEND} dynamic_batching { preferred_batch_size: [2, 4] priority_levels: 2 default_priority_level: 1 }`,
    'backend: "python" dynamic_batching { preferred_batch_size: 4 }',
    `${BACKEND} sequence_batching { ${start}${id}${state} direct { minimum_slot_utilization: 1 } }`,
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'a')}${step('a', 'OUT')} }`,
  ]) {
    assert.doesNotThrow(() => validate(text), text);
  }
});

test('tells the place of the mistake in the file', () => {
  assert.throws(() => validate('backend: "python"\n  max_batch_size: -1'), {
    message: "m/config.pbtxt:3:3: 'max_batch_size' must be non-negative value for m, found -1",
  });
});

refuses({
  'an unknown platform': ['platform: "onnxruntime"', /unexpected platform type 'onnxruntime' for m/],
  'a platform that goes with another backend': [
    'backend: "python" platform: "onnxruntime_onnx"',
    /unexpected 'platform' and 'backend' pair for m, got: onnxruntime_onnx, python; .*goes with no platform/,
  ],
  'a platform that is not its backend’s': [
    'backend: "onnxruntime" platform: "own"',
    /got: own, onnxruntime; .* goes with onnxruntime_onnx/,
  ],
  'an ensemble with a backend': [
    'platform: "ensemble" backend: "python"',
    /must have .*empty backend type, found backend 'python'/,
  ],
  'steps without the platform of an ensemble': [
    'backend: "python" ensemble_scheduling { }',
    /cannot be set for model 'm' whose platform is not ensemble/,
  ],
  'a count of instances that no server can have': [
    `${BACKEND}\ninstance_group { name: "a" count: 100000000 }`,
    /:3:28: instance group a of model m brings the model to 100000000 instances, expected at most 1024;/,
  ],
  'more instances in all groups together': [
    `${BACKEND}\ninstance_group { count: 1024 }\ninstance_group { name: "b" count: 1 }`,
    /:4:28: instance group b of model m brings the model to 1025 instances/,
  ],
  'a preferred size of 0': [
    `${BACKEND} dynamic_batching { preferred_batch_size: 0 }`,
    /must be positive for m, found 0/,
  ],
  'a preferred size above the maximum': [
    `${BACKEND} dynamic_batching { preferred_batch_size: [2, 5] }`,
    /must be <= max batch size 4 for m, found 5/,
  ],
  'levels without a default level': [
    `${BACKEND} dynamic_batching { priority_levels: 2 }`,
    /default priority level must be in range \[1, 2\] for m, found 0/,
  ],
  'a queue policy of a level that is not there': [
    `${BACKEND} dynamic_batching { priority_levels: 2 default_priority_level: 1 priority_queue_policy { key: 3 value { } } }`,
    /priority queue policy must have priority level in range \[1, 2\] for m, found 3/,
  ],
  'order between several levels': [
    `${BACKEND} dynamic_batching { preserve_ordering: true priority_levels: 2 default_priority_level: 1 }`,
    /only one priority level is allowed when 'preserve_ordering' is true for m, found 2/,
  ],
  'order and delayed requests': [
    `${BACKEND} dynamic_batching { preserve_ordering: true default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 1 } }`,
    /can not have DELAY as timeout action/,
  ],
  'a control input without a name': [
    `${BACKEND} sequence_batching { ${control('START', 'int32_false_true: [0, 1]', '')} }`,
    /control tensor must have a name for m/,
  ],
  'the same control input twice': [
    `${BACKEND} sequence_batching { ${control('START', 'int32_false_true: [0, 1]')}${control('END', 'int32_false_true: [0, 1]')} }`,
    /control tensor 'C' is specified for multiple control kinds for m/,
  ],
  'the same control twice': [
    `${BACKEND} sequence_batching { ${control('START', 'int32_false_true: [0, 1]')}${control('START', 'int32_false_true: [0, 1]', 'D')} }`,
    /specifies multiple CONTROL_SEQUENCE_START tensors for m/,
  ],
  'a control input among the inputs': [
    `${BACKEND} input { name: "C" data_type: TYPE_INT32 dims: 1 } sequence_batching { ${control('START', 'int32_false_true: [0, 1]')} }`,
    /control tensor 'C' can't be listed among the inputs of m/,
  ],
  'a control without values': [
    `${BACKEND} sequence_batching { ${control('READY', '')} }`,
    /must specify either 'int32_false_true'.* for CONTROL_SEQUENCE_READY for m/,
  ],
  'a control with values of two types': [
    `${BACKEND} sequence_batching { ${control('END', 'int32_false_true: [0, 1] bool_false_true: [false, true]')} }`,
    /more than one from int32_false_true, bool_false_true/,
  ],
  'a control with one value': [
    `${BACKEND} sequence_batching { ${control('END', 'fp32_false_true: 0')} }`,
    /'fp32_false_true' must have exactly 2 entries .*found 1/,
  ],
  'a correlation ID of a float type': [
    `${BACKEND} sequence_batching { ${control('CORRID', 'data_type: TYPE_FP32')} }`,
    /unexpected data type TYPE_FP32 for control CONTROL_SEQUENCE_CORRID for m/,
  ],
  'a correlation ID with values': [
    `${BACKEND} sequence_batching { ${control('CORRID', 'data_type: TYPE_INT32 int32_false_true: [0, 1]')} }`,
    /must not specify 'int32_false_true' for CONTROL_SEQUENCE_CORRID/,
  ],
  'a slot utilization above 1': [
    `${BACKEND} sequence_batching { direct { minimum_slot_utilization: 1.5 } }`,
    /must be in range \(0\.0, 1\.0\] for m, found 1\.5/,
  ],
  'no candidate sequences': [
    `${BACKEND} sequence_batching { oldest { } }`,
    /'max_candidate_sequences' must be at least 1 for m, found 0/,
  ],
  'a state without a type': [
    `${BACKEND} sequence_batching { state { input_name: "I" output_name: "O" dims: 1 } }`,
    /sequence state 'I' of m must specify 'data_type'/,
  ],
  'an initial state without a name': [
    `${BACKEND} sequence_batching { state { input_name: "I" output_name: "O" data_type: TYPE_FP32 dims: 1 initial_state { data_type: TYPE_FP32 dims: 1 zero_data: true } } }`,
    /Field 'name' must be set when using initial_state for state input 'I' for m/,
  ],
  'an initial state with a variable dimension': [
    `${BACKEND} sequence_batching { state { input_name: "I" output_name: "O" data_type: TYPE_FP32 dims: -1 initial_state { name: "z" data_type: TYPE_FP32 dims: -1 zero_data: true } } }`,
    /must have fixed dims that fit \[-1\], found \[-1\]/,
  ],
  'growable memory without a shared buffer': [
    `${BACKEND} sequence_batching { state { input_name: "I" output_name: "O" data_type: TYPE_FP32 dims: 1 use_growable_memory: true } }`,
    /'use_growable_memory' needs 'use_same_buffer_for_input_output' for state input 'I'/,
  ],
  'cached responses of sequences': [
    `${BACKEND} response_cache { enable: true } sequence_batching { }`,
    /does not currently support model m with sequence batching scheduler/,
  ],
  'cached responses of a decoupled model': [
    `${BACKEND} response_cache { enable: true } model_transaction_policy { decoupled: true }`,
    /does not currently support model m with 'decoupled' transaction policy/,
  ],
  'a metric control without buckets': [
    `${BACKEND} model_metrics { metric_control { metric_identifier { family: "f" } histogram_options { } } }`,
    /histogram options of 'f' must specify non-empty 'buckets' for m/,
  ],
  'buckets that do not ascend': [
    `${BACKEND} model_metrics { metric_control { metric_identifier { family: "f" } histogram_options { buckets: [2, 1] } } }`,
    /'buckets' of 'f' must ascend for m, found 2, 1/,
  ],
});

refuses({
  'a condition that cannot be read, with its place': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')} }\nparameters { key: "step.0.when" value { string_value: "IN >" } }`,
    /^m\/config\.pbtxt:3:12: condition 'IN >' of parameter 'step\.0\.when', at character 5: expected a value/,
  ],
  'a condition of a step that does not exist': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')} } parameters { key: "step.1.when" value { string_value: "IN > 1" } }`,
    /'step\.1\.when' of ensemble 'm': there is no step 1, its steps are 0 to 0/,
  ],
  'a condition on an unknown tensor': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')} } parameters { key: "end.when" value { string_value: "OUTT > 1" } }`,
    /'end\.when' of ensemble 'm': there is no tensor 'OUTT'; did you mean 'OUT'\?/,
  ],
  'a condition that waits for its own step': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')} } parameters { key: "step.0.when" value { string_value: "OUT > 1" } }`,
    /'OUT' for ensemble 'm' is not written: .*\(a circle: OUT <- OUT\)/,
  ],
  'a misspelt name of a condition': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')} } parameters { key: "step.0.if" value { string_value: "true" } }`,
    /parameter 'step\.0\.if' of ensemble 'm': expected 'step\.<n>\.when'/,
  ],
  'a default for a tensor that no step writes': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')} } parameters { key: "tensor.IN.default" value { string_value: "0" } }`,
    /no step writes a tensor 'IN'/,
  ],
  'an ensemble without steps': [
    `${ENSEMBLE} ensemble_scheduling { }`,
    /must specify 'step' for ensemble 'm'/,
  ],
  'an ensemble without a scheduler': [ENSEMBLE, /ensemble scheduling must be set for ensemble m/],
  'an ensemble with instances': [
    `${ENSEMBLE} instance_group { } ensemble_scheduling { ${step('IN', 'OUT')} }`,
    /'instance_group' should not be specified for ensemble 'm'/,
  ],
  'a step without a model': [
    `${ENSEMBLE} ensemble_scheduling { step { input_map { key: "X" value: "IN" } } }`,
    /must specify 'model_name' in step 0 of ensemble 'm'/,
  ],
  'a step without inputs': [
    `${ENSEMBLE} ensemble_scheduling { step { model_name: "part" output_map { key: "Y" value: "OUT" } } }`,
    /must specify 'input_map' in step 0 of ensemble 'm'/,
  ],
  'a tensor that two steps write': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')}${step('IN', 'OUT')} }`,
    /ensemble tensor 'OUT' can appear in an output map only once for ensemble 'm', found again in step 1/,
  ],
  'an input that a step writes': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')}${step('OUT', 'IN')} }`,
    /ensemble tensor 'IN' is an input of ensemble 'm' and can't be an output of step 1/,
  ],
  'an input that no step reads': [
    `${ENSEMBLE} input { name: "IN2" } ensemble_scheduling { ${step('IN', 'OUT')} }`,
    /ensemble input 'IN2' for ensemble 'm' is not used/,
  ],
  'an output that no step writes': [
    `${ENSEMBLE} output { name: "OUT2" } ensemble_scheduling { ${step('IN', 'OUT')} }`,
    /output 'OUT2' for ensemble 'm' is not written$/,
  ],
  'an output that hangs on a tensor nobody writes': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'a')}${step('ghost', 'b')}${step('b', 'OUT')} }`,
    /output 'OUT' for ensemble 'm' is not written: at least one of its depending tensors, 'ghost', is not connected/,
  ],
  'steps that wait for one another': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')}${step('a', 'b')}${step('b', 'a')} }`,
    /ensemble tensor 'a', which step 1 \(model 'part'\) reads, is never there in ensemble 'm': .* \(a circle: a <- b <- a\)/,
  ],
  'a tensor that serves nothing': [
    `${ENSEMBLE} ensemble_scheduling { ${step('IN', 'OUT')}${step('IN', 'a')} }`,
    /ensemble tensor 'a', which step 1 \(model 'part'\) writes, is unused in ensemble 'm'/,
  ],
});
