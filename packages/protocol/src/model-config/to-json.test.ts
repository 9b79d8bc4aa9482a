import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig } from './create-model-config.ts';
import { modelConfigToJson } from './to-json.ts';

test('shows a simple model with all defaults', () => {
  const config = createModelConfig({
    name: 'simple',
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: 8,
    input: [{ name: 'IN', data_type: 'TYPE_INT32', dims: [16] }],
    output: [{ name: 'OUT', data_type: 'TYPE_INT32', dims: [-1], reshape: { shape: [] } }],
    optimization: { input_pinned_memory: { enable: true }, output_pinned_memory: { enable: true } },
    dynamic_batching: { preferred_batch_size: [8], max_queue_delay_microseconds: 100 },
    instance_group: [{ name: 'simple_0', kind: 'KIND_CPU', count: 1 }],
    default_model_filename: 'model.onnx',
  });
  // The text, so that the order of the fields counts.
  const expected = {
    name: 'simple',
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    runtime: '',
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: 8,
    input: [
      {
        name: 'IN',
        data_type: 'TYPE_INT32',
        format: 'FORMAT_NONE',
        dims: [16],
        is_shape_tensor: false,
        allow_ragged_batch: false,
        optional: false,
        is_non_linear_format_io: false,
      },
    ],
    output: [
      {
        name: 'OUT',
        data_type: 'TYPE_INT32',
        dims: [-1],
        reshape: { shape: [] },
        label_filename: '',
        is_shape_tensor: false,
        is_non_linear_format_io: false,
      },
    ],
    batch_input: [],
    batch_output: [],
    optimization: {
      priority: 'PRIORITY_DEFAULT',
      input_pinned_memory: { enable: true },
      output_pinned_memory: { enable: true },
      gather_kernel_buffer_threshold: 0,
      eager_batching: false,
    },
    dynamic_batching: {
      preferred_batch_size: [8],
      max_queue_delay_microseconds: 100,
      preserve_ordering: false,
      priority_levels: 0,
      default_priority_level: 0,
      priority_queue_policy: {},
    },
    instance_group: [
      {
        name: 'simple_0',
        kind: 'KIND_CPU',
        count: 1,
        gpus: [],
        secondary_devices: [],
        profile: [],
        passive: false,
        host_policy: '',
      },
    ],
    default_model_filename: 'model.onnx',
    cc_model_filenames: {},
    metric_tags: {},
    parameters: {},
    model_warmup: [],
  };
  assert.equal(JSON.stringify(modelConfigToJson(config)), JSON.stringify(expected));
});

test('shows the states of a sequence model, with the scalar of a oneof at the end', () => {
  const { sequence_batching: shown } = modelConfigToJson(
    createModelConfig({
      sequence_batching: {
        oldest: { max_candidate_sequences: 4 },
        max_sequence_idle_microseconds: 2000000,
        control_input: [{ name: 'START', control: [{ int32_false_true: [0, 1] }] }],
        state: [
          {
            input_name: 'I',
            output_name: 'O',
            data_type: 'TYPE_FP32',
            dims: [1],
            initial_state: [{ name: 'zero', zero_data: true, dims: [1], data_type: 'TYPE_FP32' }],
          },
        ],
      },
    }),
  );
  const expected = {
    oldest: {
      max_candidate_sequences: 4,
      preferred_batch_size: [],
      max_queue_delay_microseconds: 0,
      preserve_ordering: false,
    },
    max_sequence_idle_microseconds: 2000000,
    control_input: [
      {
        name: 'START',
        control: [
          {
            kind: 'CONTROL_SEQUENCE_START',
            int32_false_true: [0, 1],
            fp32_false_true: [],
            bool_false_true: [],
            data_type: 'TYPE_INVALID',
          },
        ],
      },
    ],
    state: [
      {
        input_name: 'I',
        output_name: 'O',
        data_type: 'TYPE_FP32',
        dims: [1],
        initial_state: [{ data_type: 'TYPE_FP32', dims: ['1'], name: 'zero', zero_data: true }],
        use_same_buffer_for_input_output: false,
        use_growable_memory: false,
      },
    ],
    iterative_sequence: false,
  };
  assert.equal(JSON.stringify(shown), JSON.stringify(expected));
});

test('shows an ensemble; a limit of requests in flight only when it is set', () => {
  const step = { model_name: 'm', model_version: -1, input_map: { X: 'IN' }, output_map: { Y: 'OUT' } };
  const shown = modelConfigToJson(createModelConfig({ ensemble_scheduling: { step: [step] } }));
  assert.deepEqual(shown['ensemble_scheduling'], { step: [{ ...step, model_namespace: '' }] });
  const limited = modelConfigToJson(createModelConfig({ ensemble_scheduling: { max_inflight_requests: 2 } }));
  assert.deepEqual(limited['ensemble_scheduling'], { step: [], max_inflight_requests: 2 });
});

test('writes three kinds of 64-bit field as strings', () => {
  const shown = modelConfigToJson(
    createModelConfig({
      instance_group: [{ secondary_devices: [{ device_id: 3 }] }],
      optimization: { cuda: { graph_spec: [{ input: { X: { dim: [1, 2] } } }] } },
      model_warmup: [{ inputs: { X: { dims: [5], random_data: true } } }],
      version_policy: { specific: { versions: [7] } },
    }),
  );
  const text = JSON.stringify(shown);
  assert.match(text, /"secondary_devices":\[\{"kind":"KIND_NVDLA","device_id":"3"\}\]/);
  assert.match(text, /"input":\{"X":\{"dim":\["1","2"\]\}\}/);
  assert.match(text, /"inputs":\{"X":\{"data_type":"TYPE_INVALID","dims":\[5\],"random_data":true\}\}/);
  assert.match(text, /"versions":\[7\]/);
});

test('writes numbers that JSON lacks as strings', () => {
  const shown = modelConfigToJson(
    createModelConfig({
      model_metrics: {
        metric_control: [{ histogram_options: { buckets: [0.5, Infinity, -Infinity, NaN] } }],
      },
    }),
  );
  assert.match(JSON.stringify(shown), /"buckets":\[0.5,"Infinity","-Infinity","NaN"\]/);
});
