/**
 * What this version does with each field of a model configuration: one row a field, for the reference and its test.
 * A field that has no row is a mistake: it would be dropped without a word.
 */

/** supported: has its effect. ignored: accepted without effect. refused: a model that sets it is not loaded. */
export type FieldStatus = 'supported' | 'ignored' | 'refused';

/** The status of one field, and what there is to say about it. */
export interface FieldSupport {
  readonly status: FieldStatus;
  /** '' when the status says all. */
  readonly note: string;
}

const NO_GPU = 'tensors are handed on in the memory of the CPU';
const ON_GPUS = 'ONNX only: providers of `KIND_GPU` instances, which the installed ONNX Runtime must have';
const GPUS = 'NVIDIA GPUs on Linux, for backends that use them';
const TENSORRT_ONLY = 'TensorRT only';
const CACHE = 'with `--cache-config`; refused together with `sequence_batching` or `decoupled`';
const WARM_UP = 'every sample on every instance, before the version is ready';
const ONNX_LEVEL = 'ONNX only: 0 is all, -1 basic, 1 extended, 2 none';
const ONNX_PROVIDER = 'ONNX only: any provider but those in ONNX Runtime stops the load, UNSUPPORTED';
const OPERATIONS = 'TensorFlow only; models of other backends with custom operators fail at load';
const FAMILY = '`nv_inference_first_response_histogram_ms` only; others are ignored';
const KINDS =
  '`KIND_AUTO` is `KIND_GPU` for `python`, `pytorch` and such on a machine with GPUs, else `KIND_CPU`';

/** Fields without a note. */
const SUPPORTED: readonly string[] = [
  'name',
  'platform',
  'backend',
  'model_repository_agents',
  'model_repository_agents.agents',
  'model_repository_agents.agents.name',
  'model_repository_agents.agents.parameters',
  'version_policy',
  'version_policy.latest',
  'version_policy.latest.num_versions',
  'version_policy.all',
  'version_policy.specific',
  'version_policy.specific.versions',
  'max_batch_size',
  'input',
  'input.name',
  'input.data_type',
  'input.dims',
  'input.reshape',
  'input.reshape.shape',
  'input.allow_ragged_batch',
  'input.optional',
  'output',
  'output.name',
  'output.data_type',
  'output.dims',
  'output.reshape',
  'output.reshape.shape',
  'output.label_filename',
  'batch_input',
  'batch_input.kind',
  'batch_input.target_name',
  'batch_input.data_type',
  'batch_input.source_input',
  'batch_output',
  'batch_output.target_name',
  'batch_output.kind',
  'batch_output.source_input',
  'optimization.graph',
  'dynamic_batching',
  'dynamic_batching.preferred_batch_size',
  'dynamic_batching.max_queue_delay_microseconds',
  'dynamic_batching.preserve_ordering',
  'dynamic_batching.priority_levels',
  'dynamic_batching.default_priority_level',
  'dynamic_batching.default_queue_policy',
  'dynamic_batching.default_queue_policy.timeout_action',
  'dynamic_batching.default_queue_policy.default_timeout_microseconds',
  'dynamic_batching.default_queue_policy.allow_timeout_override',
  'dynamic_batching.default_queue_policy.max_queue_size',
  'dynamic_batching.priority_queue_policy',
  'dynamic_batching.priority_queue_policy.timeout_action',
  'dynamic_batching.priority_queue_policy.default_timeout_microseconds',
  'dynamic_batching.priority_queue_policy.allow_timeout_override',
  'dynamic_batching.priority_queue_policy.max_queue_size',
  'sequence_batching',
  'sequence_batching.direct',
  'sequence_batching.direct.max_queue_delay_microseconds',
  'sequence_batching.direct.minimum_slot_utilization',
  'sequence_batching.oldest',
  'sequence_batching.oldest.max_candidate_sequences',
  'sequence_batching.oldest.preferred_batch_size',
  'sequence_batching.oldest.max_queue_delay_microseconds',
  'sequence_batching.oldest.preserve_ordering',
  'sequence_batching.max_sequence_idle_microseconds',
  'sequence_batching.control_input',
  'sequence_batching.control_input.name',
  'sequence_batching.control_input.control',
  'sequence_batching.control_input.control.kind',
  'sequence_batching.control_input.control.int32_false_true',
  'sequence_batching.control_input.control.fp32_false_true',
  'sequence_batching.control_input.control.bool_false_true',
  'sequence_batching.control_input.control.data_type',
  'sequence_batching.state',
  'sequence_batching.state.input_name',
  'sequence_batching.state.output_name',
  'sequence_batching.state.data_type',
  'sequence_batching.state.dims',
  'sequence_batching.state.use_same_buffer_for_input_output',
  'sequence_batching.state.initial_state',
  'sequence_batching.state.initial_state.data_type',
  'sequence_batching.state.initial_state.dims',
  'sequence_batching.state.initial_state.zero_data',
  'sequence_batching.state.initial_state.data_file',
  'sequence_batching.state.initial_state.name',
  'sequence_batching.iterative_sequence',
  'ensemble_scheduling',
  'ensemble_scheduling.step',
  'ensemble_scheduling.step.model_name',
  'ensemble_scheduling.step.model_version',
  'ensemble_scheduling.step.input_map',
  'ensemble_scheduling.step.output_map',
  'ensemble_scheduling.max_inflight_requests',
  'instance_group',
  'instance_group.name',
  'instance_group.count',
  'instance_group.passive',
  'instance_group.rate_limiter.resources',
  'instance_group.rate_limiter.resources.name',
  'instance_group.rate_limiter.resources.global',
  'instance_group.rate_limiter.resources.count',
  'instance_group.rate_limiter.priority',
  'model_warmup.name',
  'model_warmup.batch_size',
  'model_warmup.inputs',
  'model_warmup.inputs.data_type',
  'model_warmup.inputs.dims',
  'model_warmup.inputs.zero_data',
  'model_warmup.inputs.random_data',
  'model_warmup.inputs.input_data_file',
  'model_warmup.count',
  'metric_tags',
  'parameters',
  'parameters.string_value',
  'model_transaction_policy',
  'model_transaction_policy.decoupled',
  'model_metrics',
  'model_metrics.metric_control',
  'model_metrics.metric_control.metric_identifier',
  'model_metrics.metric_control.histogram_options',
  'model_metrics.metric_control.histogram_options.buckets',
];

/** All other fields; `<field>.**` is every field below it. */
const OTHERS: readonly (readonly [path: string, status: FieldStatus, note: string])[] = [
  ['runtime', 'supported', 'by Python-based backends: another file of the backend than its `model.py`'],
  ['default_model_filename', 'supported', 'by backends that read a file; may be a folder for ONNX'],
  ['cc_model_filenames', 'ignored', 'none of the backends has a file for each kind of GPU'],
  ['input.format', 'supported', 'checked and handed to the backend; ONNX and identity do not look at it'],
  ['input.is_shape_tensor', 'refused', TENSORRT_ONLY],
  ['input.is_non_linear_format_io', 'refused', TENSORRT_ONLY],
  ['output.is_shape_tensor', 'refused', TENSORRT_ONLY],
  ['output.is_non_linear_format_io', 'refused', TENSORRT_ONLY],
  ['optimization', 'supported', 'as far as its fields are'],
  ['optimization.graph.level', 'supported', ONNX_LEVEL],
  ['optimization.priority', 'ignored', TENSORRT_ONLY],
  ['optimization.cuda', 'ignored', TENSORRT_ONLY],
  ['optimization.cuda.**', 'ignored', TENSORRT_ONLY],
  ['optimization.execution_accelerators', 'supported', 'as far as its fields are'],
  ['optimization.execution_accelerators.gpu_execution_accelerator', 'supported', ON_GPUS],
  ['optimization.execution_accelerators.gpu_execution_accelerator.name', 'supported', ON_GPUS],
  [
    'optimization.execution_accelerators.gpu_execution_accelerator.parameters',
    'ignored',
    'a warning is logged',
  ],
  ['optimization.execution_accelerators.cpu_execution_accelerator', 'supported', 'ONNX only'],
  ['optimization.execution_accelerators.cpu_execution_accelerator.name', 'refused', ONNX_PROVIDER],
  [
    'optimization.execution_accelerators.cpu_execution_accelerator.parameters',
    'ignored',
    'a warning is logged',
  ],
  ['optimization.input_pinned_memory', 'ignored', NO_GPU],
  ['optimization.input_pinned_memory.**', 'ignored', NO_GPU],
  ['optimization.output_pinned_memory', 'ignored', NO_GPU],
  ['optimization.output_pinned_memory.**', 'ignored', NO_GPU],
  ['optimization.gather_kernel_buffer_threshold', 'ignored', TENSORRT_ONLY],
  ['optimization.eager_batching', 'ignored', TENSORRT_ONLY],
  ['sequence_batching.state.use_growable_memory', 'refused', 'but with `KIND_GPU`, where it does nothing'],
  ['ensemble_scheduling.step.model_namespace', 'supported', 'with `--model-namespacing=true`'],
  ['instance_group.kind', 'supported', KINDS],
  ['instance_group.rate_limiter', 'supported', 'with `--rate-limit=execution_count`'],
  ['instance_group.gpus', 'supported', GPUS],
  ['instance_group.secondary_devices', 'ignored', TENSORRT_ONLY],
  ['instance_group.secondary_devices.**', 'ignored', TENSORRT_ONLY],
  ['instance_group.profile', 'refused', TENSORRT_ONLY],
  ['instance_group.host_policy', 'ignored', 'there are no host policies'],
  ['model_warmup', 'supported', WARM_UP],
  ['model_operations', 'supported', OPERATIONS],
  ['model_operations.op_library_filename', 'supported', OPERATIONS],
  ['response_cache', 'supported', CACHE],
  ['response_cache.enable', 'supported', CACHE],
  ['model_metrics.metric_control.metric_identifier.family', 'supported', FAMILY],
];

/** The rows by path: field names joined by dots, without list indices and map keys. */
export const FIELD_SUPPORT: ReadonlyMap<string, FieldSupport> = new Map([
  ...SUPPORTED.map((path): [string, FieldSupport] => [path, { status: 'supported', note: '' }]),
  ...OTHERS.map(([path, status, note]): [string, FieldSupport] => [path, { status, note }]),
]);

/**
 * The row of a field: its own, or the nearest `.**` above it.
 *
 * @returns undefined when there is none.
 */
export function findFieldSupport(path: string): FieldSupport | undefined {
  const own = FIELD_SUPPORT.get(path);
  if (own !== undefined) return own;
  const names = path.split('.');
  for (let length = names.length - 1; length > 0; length--) {
    const row = FIELD_SUPPORT.get(`${names.slice(0, length).join('.')}.**`);
    if (row !== undefined) return row;
  }
  return undefined;
}
