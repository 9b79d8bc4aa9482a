/**
 * The configuration of a model as plain objects, in the shape of Triton's JSON: scalars, lists and maps are
 * always there, messages and members of a oneof only when they are set.
 *
 * Generated from model_config.proto by scripts/generate.ts; do not edit.
 */

/** Element type of a tensor. */
export type DataType =
  | 'TYPE_INVALID'
  | 'TYPE_BOOL'
  | 'TYPE_UINT8'
  | 'TYPE_UINT16'
  | 'TYPE_UINT32'
  | 'TYPE_UINT64'
  | 'TYPE_INT8'
  | 'TYPE_INT16'
  | 'TYPE_INT32'
  | 'TYPE_INT64'
  | 'TYPE_FP16'
  | 'TYPE_FP32'
  | 'TYPE_FP64'
  | 'TYPE_STRING'
  | 'TYPE_BF16';

/** A named, counted resource. */
export interface ModelRateLimiterResource {
  /** Name of the resource, free to choose. */
  readonly name: string;
  /** True: one pool for the whole server. False: one pool for each device. */
  readonly global: boolean;
  /** How many units one execution holds. */
  readonly count: number;
}

/** What an instance must hold before it may execute, and how it ranks among instances that wait. */
export interface ModelRateLimiter {
  /** Resources taken for each execution; empty: the instance never waits for resources. */
  readonly resources: readonly ModelRateLimiterResource[];
  /** Weight: an instance of priority n gets 1/n of the chances of one with priority 1. 0 counts as 1. */
  readonly priority: number;
}

/** On which sort of device the instances run. */
export type ModelInstanceGroupKind =
  /** On the GPUs listed if all of them can be used, otherwise on the CPU. */
  | 'KIND_AUTO'
  /** On GPUs. */
  | 'KIND_GPU'
  /** On the CPU. */
  | 'KIND_CPU'
  /** Where the model or backend itself decides. */
  | 'KIND_MODEL';

/** Sort of secondary device. */
export type ModelInstanceGroupSecondaryDeviceKind =
  /** A deep-learning accelerator core beside the GPU; TensorRT only. */
  | 'KIND_NVDLA';

/** A further device that an instance needs. */
export interface ModelInstanceGroupSecondaryDevice {
  /** Sort of the device. */
  readonly kind: ModelInstanceGroupSecondaryDeviceKind;
  /** Number of the device. */
  readonly device_id: number;
}

/** Instances of the model that are alike: how many, where, and under which limits. */
export interface ModelInstanceGroup {
  /** Name of the group; '' becomes `<model>_<index of the group>`. */
  readonly name: string;
  /** Sort of device. `gpus` may be given with KIND_AUTO and KIND_GPU only. */
  readonly kind: ModelInstanceGroupKind;
  /**
   * Number of instances; on GPUs that many for each GPU. 0 takes the default, which is 1 for most backends.
   */
  readonly count: number;
  /** Limits on when the instances may execute; absent: none. */
  readonly rate_limiter?: ModelRateLimiter;
  /** GPUs to use; empty: all that are available. */
  readonly gpus: readonly number[];
  /** Further devices each instance needs. */
  readonly secondary_devices: readonly ModelInstanceGroupSecondaryDevice[];
  /** Optimization profiles of a TensorRT plan that the instances may use; empty: the first. TensorRT only. */
  readonly profile: readonly string[];
  /** True: the scheduler sends no requests to these instances. */
  readonly passive: boolean;
  /** Host policy of the instances; '' becomes `cpu`, `model` or `gpu_<number>` after their kind. */
  readonly host_policy: string;
}

/** The shape the backend sees in place of `dims`. */
export interface ModelTensorReshape {
  /** Dimensions, without the batch dimension; may be empty. */
  readonly shape: readonly number[];
}

/** Layout of an image tensor. */
export type ModelInputFormat =
  /** Not an image, or no matter. */
  | 'FORMAT_NONE'
  /** Height, width, channels: exactly three `dims`. */
  | 'FORMAT_NHWC'
  /** Channels, height, width: exactly three `dims`. */
  | 'FORMAT_NCHW';

/** An input tensor of the model. */
export interface ModelInput {
  /** Name of the tensor. */
  readonly name: string;
  /** Element type. */
  readonly data_type: DataType;
  /** Layout, for images. */
  readonly format: ModelInputFormat;
  /** Dimensions without the batch dimension, each above 0, or -1 for a variable one. */
  readonly dims: readonly number[];
  /** Shape the backend gets instead of `dims`, with as many elements; absent: `dims`. */
  readonly reshape?: ModelTensorReshape;
  /** Whether this is a shape tensor of a TensorRT plan. */
  readonly is_shape_tensor: boolean;
  /** Whether requests whose shapes differ in this input may share a batch. */
  readonly allow_ragged_batch: boolean;
  /** Whether a request may leave the input out. */
  readonly optional: boolean;
  /** Whether the tensor has a non-linear TensorRT format. */
  readonly is_non_linear_format_io: boolean;
}

/** An output tensor of the model. */
export interface ModelOutput {
  /** Name of the tensor. */
  readonly name: string;
  /** Element type. */
  readonly data_type: DataType;
  /** Dimensions without the batch dimension, each above 0, or -1 for a variable one. */
  readonly dims: readonly number[];
  /** Shape the backend produces, turned into `dims` before the answer; absent: `dims`. */
  readonly reshape?: ModelTensorReshape;
  /** File in the model's directory with one class label a line, for classification results. */
  readonly label_filename: string;
  /** Whether this is a shape tensor of a TensorRT plan. */
  readonly is_shape_tensor: boolean;
  /** Whether the tensor has a non-linear TensorRT format. */
  readonly is_non_linear_format_io: boolean;
}

/** How the values come about. "Source" is the tensor named in `source_input`. */
export type BatchInputKind =
  /** Number of elements of the source, shape [1]. */
  | 'BATCH_ELEMENT_COUNT'
  /** Number of elements of the source in this and all earlier requests of the batch, shape [1]. */
  | 'BATCH_ACCUMULATED_ELEMENT_COUNT'
  /** As above, but the first request gets two values, of which the first is 0. */
  | 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO'
  /** Uninitialised data: shape [largest count of the source] in the first request, [0] in the others. */
  | 'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE'
  /** The source's shape, once for each item: shape [batch size, rank]. */
  | 'BATCH_ITEM_SHAPE'
  /** The same values in one dimension: shape [batch size * rank]. */
  | 'BATCH_ITEM_SHAPE_FLATTEN';

/** An input the backend makes itself from all requests of a batch. */
export interface BatchInput {
  /** How the values come about. */
  readonly kind: BatchInputKind;
  /** Names of the model inputs to fill. */
  readonly target_name: readonly string[];
  /** Element type: TYPE_INT32 or TYPE_FP32. */
  readonly data_type: DataType;
  /** Names of the inputs the values come from; exactly one for all kinds there are. */
  readonly source_input: readonly string[];
}

/** How to spread it. */
export type BatchOutputKind =
  /** Each request's part has the variable dimensions of its source input. */
  | 'BATCH_SCATTER_WITH_INPUT_SHAPE';

/** An output that must be spread over the requests of a batch in a special way. */
export interface BatchOutput {
  /** Names of the model outputs this is about. */
  readonly target_name: readonly string[];
  /** How to spread them. */
  readonly kind: BatchOutputKind;
  /** Names of the inputs that decide. */
  readonly source_input: readonly string[];
}

/** The highest-numbered versions. */
export interface ModelVersionPolicyLatest {
  /** How many; 0 counts as 1. */
  readonly num_versions: number;
}

/** Every version there is. */
export type ModelVersionPolicyAll = Readonly<Record<string, never>>;

/** Versions by number. */
export interface ModelVersionPolicySpecific {
  /** The numbers. */
  readonly versions: readonly number[];
}

/** Which versions of the model are served. */
export interface ModelVersionPolicy {
  /**
   * Serve the highest-numbered versions; the default, with one version. Not together with `all` or
   * `specific`.
   */
  readonly latest?: ModelVersionPolicyLatest;
  /** Serve every version. Not together with `latest` or `specific`. */
  readonly all?: ModelVersionPolicyAll;
  /** Serve these versions. Not together with `latest` or `all`. */
  readonly specific?: ModelVersionPolicySpecific;
}

/** Rank of the model among others on the same device; TensorRT only. */
export type ModelOptimizationPolicyModelPriority =
  /** The ordinary rank. */
  | 'PRIORITY_DEFAULT'
  /** Before all others. */
  | 'PRIORITY_MAX'
  /** After all others. */
  | 'PRIORITY_MIN';

/** Graph optimization of the framework. */
export interface ModelOptimizationPolicyGraph {
  /** 0: the framework's default, -1: less, 1 and above: as the backend defines. */
  readonly level: number;
}

/** Dimensions of one input. */
export interface ModelOptimizationPolicyCudaGraphSpecShape {
  /** Dimensions without the batch dimension. */
  readonly dim: readonly number[];
}

/** The smallest batch and shapes a captured graph may serve. */
export interface ModelOptimizationPolicyCudaGraphSpecLowerBound {
  /** Batch size; 0 when the model does not batch. */
  readonly batch_size: number;
  /** Shapes by input name. */
  readonly input: Readonly<Record<string, ModelOptimizationPolicyCudaGraphSpecShape>>;
}

/** A CUDA graph to capture. */
export interface ModelOptimizationPolicyCudaGraphSpec {
  /** Batch size; 0 when the model does not batch. */
  readonly batch_size: number;
  /** Shapes by input name. */
  readonly input: Readonly<Record<string, ModelOptimizationPolicyCudaGraphSpecShape>>;
  /** Lets the graph serve everything from here up to its own shapes; absent: exactly its own shapes. */
  readonly graph_lower_bound?: ModelOptimizationPolicyCudaGraphSpecLowerBound;
}

/** CUDA settings; TensorRT only. */
export interface ModelOptimizationPolicyCuda {
  /** Whether to capture and replay CUDA graphs. */
  readonly graphs: boolean;
  /** Whether threads spin while they wait for CUDA events: less latency, more CPU. */
  readonly busy_wait_events: boolean;
  /** Graphs to capture; empty: chosen from the model's settings. */
  readonly graph_spec: readonly ModelOptimizationPolicyCudaGraphSpec[];
  /** Whether outputs are copied on a stream of their own; doubles the memory of the tensors. */
  readonly output_copy_stream: boolean;
}

/** One execution provider. */
export interface ModelOptimizationPolicyExecutionAcceleratorsAccelerator {
  /** Name, such as `tensorrt`, `cuda` or `openvino`. */
  readonly name: string;
  /** Its settings, as the backend defines. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Execution providers to use, best first. */
export interface ModelOptimizationPolicyExecutionAccelerators {
  /** For instances on a GPU. */
  readonly gpu_execution_accelerator: readonly ModelOptimizationPolicyExecutionAcceleratorsAccelerator[];
  /** For instances on the CPU. */
  readonly cpu_execution_accelerator: readonly ModelOptimizationPolicyExecutionAcceleratorsAccelerator[];
}

/** Whether copies between host and GPU go through pinned memory. */
export interface ModelOptimizationPolicyPinnedMemoryBuffer {
  /** Use pinned memory where there is some. */
  readonly enable: boolean;
}

/** How the backend may optimize the model. */
export interface ModelOptimizationPolicy {
  /** Graph optimization; absent: the framework's default. */
  readonly graph?: ModelOptimizationPolicyGraph;
  /** Rank of the model. */
  readonly priority: ModelOptimizationPolicyModelPriority;
  /** CUDA settings. */
  readonly cuda?: ModelOptimizationPolicyCuda;
  /** Execution providers. */
  readonly execution_accelerators?: ModelOptimizationPolicyExecutionAccelerators;
  /** Pinned memory for inputs; absent: enabled. */
  readonly input_pinned_memory?: ModelOptimizationPolicyPinnedMemoryBuffer;
  /** Pinned memory for outputs; absent: enabled. */
  readonly output_pinned_memory?: ModelOptimizationPolicyPinnedMemoryBuffer;
  /** From how many buffers on inputs are gathered by a GPU kernel; 0: never. TensorRT only. */
  readonly gather_kernel_buffer_threshold: number;
  /** Whether the next batch is prepared while one executes; it may come out smaller. TensorRT only. */
  readonly eager_batching: boolean;
}

/** What happens to a request that waited too long. */
export type ModelQueuePolicyTimeoutAction =
  /** It is answered with an error. */
  | 'REJECT'
  /** It goes behind all requests of its level that are still in time. */
  | 'DELAY';

/** Rules for requests that wait in a queue. */
export interface ModelQueuePolicy {
  /** What happens to a request that waited too long. */
  readonly timeout_action: ModelQueuePolicyTimeoutAction;
  /** How long a request may wait, in microseconds; 0: for ever. */
  readonly default_timeout_microseconds: number;
  /** Whether a request may ask for a shorter timeout. */
  readonly allow_timeout_override: boolean;
  /** How many requests may wait; more are refused at once. 0: no limit. */
  readonly max_queue_size: number;
}

/** The dynamic batcher: independent requests are joined into batches. */
export interface ModelDynamicBatching {
  /** Batch sizes that are executed as soon as they are reached; empty: `max_batch_size`. */
  readonly preferred_batch_size: readonly number[];
  /** How long a request may wait for company, in microseconds. */
  readonly max_queue_delay_microseconds: number;
  /** Whether responses leave in the order in which requests came. */
  readonly preserve_ordering: boolean;
  /** Number of priority levels, of which 1 is served first; 0: no priorities. */
  readonly priority_levels: number;
  /** Level of a request that names none: from 1 to `priority_levels`. */
  readonly default_priority_level: number;
  /** Queue rules of all levels that have none of their own; absent: every rule at its default. */
  readonly default_queue_policy?: ModelQueuePolicy;
  /** Queue rules by priority level. */
  readonly priority_queue_policy: Readonly<Record<string, ModelQueuePolicy>>;
}

/** What is signalled. */
export type ModelSequenceBatchingControlKind =
  /** Whether this request is the first of its sequence. */
  | 'CONTROL_SEQUENCE_START'
  /** Whether this batch slot holds a request at all. */
  | 'CONTROL_SEQUENCE_READY'
  /** Whether this request is the last of its sequence. */
  | 'CONTROL_SEQUENCE_END'
  /** The correlation ID of the sequence. */
  | 'CONTROL_SEQUENCE_CORRID';

/** A signal from the batcher to the model. */
export interface ModelSequenceBatchingControl {
  /** What is signalled. */
  readonly kind: ModelSequenceBatchingControlKind;
  /** The values for false and true when the tensor is INT32; empty or two values. */
  readonly int32_false_true: readonly number[];
  /** The values for false and true when the tensor is FP32; empty or two values. */
  readonly fp32_false_true: readonly number[];
  /** The values for false and true when the tensor is BOOL; empty or two values. */
  readonly bool_false_true: readonly boolean[];
  /** Element type of a correlation ID: TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 or TYPE_STRING. */
  readonly data_type: DataType;
}

/** A model input that receives signals. */
export interface ModelSequenceBatchingControlInput {
  /** Name of the input. */
  readonly name: string;
  /** The signals. */
  readonly control: readonly ModelSequenceBatchingControl[];
}

/** The state of a sequence before its first request. */
export interface ModelSequenceBatchingInitialState {
  /** Element type. */
  readonly data_type: DataType;
  /** Dimensions without the batch dimension, none variable. */
  readonly dims: readonly number[];
  /** All zeros; counts as soon as it is set, whatever its value. Not together with `data_file`. */
  readonly zero_data?: boolean;
  /**
   * File in the model's `initial_state` directory with the raw data, row-major. Not together with
   * `zero_data`.
   */
  readonly data_file?: string;
  /** Name of the initialisation. */
  readonly name: string;
}

/** A state the server keeps between the requests of a sequence. */
export interface ModelSequenceBatchingState {
  /** Name of the model input that receives the state. */
  readonly input_name: string;
  /** Name of the model output that returns it. */
  readonly output_name: string;
  /** Element type. */
  readonly data_type: DataType;
  /** Dimensions without the batch dimension, -1 for a variable one. */
  readonly dims: readonly number[];
  /** State before the first request: at most one; none: zeros. */
  readonly initial_state: readonly ModelSequenceBatchingInitialState[];
  /** Whether input and output share one buffer; the state is then always updated. */
  readonly use_same_buffer_for_input_output: boolean;
  /** Whether the buffer may grow in place; needs a shared buffer and GPU instances. */
  readonly use_growable_memory: boolean;
}

/** Each sequence keeps one batch slot of one instance to itself. */
export interface ModelSequenceBatchingStrategyDirect {
  /** How long a request may wait for company, in microseconds. */
  readonly max_queue_delay_microseconds: number;
  /** Share of slots, 0 to 1, that must be ready to execute before the delay is over; 0: any slot will do. */
  readonly minimum_slot_utilization: number;
}

/** Batches are made of the oldest requests of all candidate sequences. */
export interface ModelSequenceBatchingStrategyOldest {
  /** How many sequences may be candidates at a time; others wait. */
  readonly max_candidate_sequences: number;
  /** Batch sizes that are executed as soon as they are reached; empty: `max_batch_size`. */
  readonly preferred_batch_size: readonly number[];
  /** How long a request may wait for company, in microseconds. */
  readonly max_queue_delay_microseconds: number;
  /** Whether responses leave in the order in which requests came. */
  readonly preserve_ordering: boolean;
}

/** The sequence batcher: the requests of a sequence go to the same instance, in order. */
export interface ModelSequenceBatching {
  /** A fixed slot for each sequence; the default. Not together with `oldest`. */
  readonly direct?: ModelSequenceBatchingStrategyDirect;
  /** The oldest requests first. Not together with `direct`. */
  readonly oldest?: ModelSequenceBatchingStrategyOldest;
  /** How long a sequence may be idle before it is ended, in microseconds; 0 counts as 1,000,000. */
  readonly max_sequence_idle_microseconds: number;
  /** Model inputs that receive signals. */
  readonly control_input: readonly ModelSequenceBatchingControlInput[];
  /** States the server keeps between the requests of a sequence. */
  readonly state: readonly ModelSequenceBatchingState[];
  /** Whether one request stands for a sequence of executions that the model schedules again itself. */
  readonly iterative_sequence: boolean;
}

/** One model of the ensemble. */
export interface ModelEnsemblingStep {
  /** Name of the model. */
  readonly model_name: string;
  /** Version of the model; -1: the latest that is served. */
  readonly model_version: number;
  /** Ensemble tensor by input name of the model. */
  readonly input_map: Readonly<Record<string, string>>;
  /** Ensemble tensor by output name of the model; outputs may be left out. */
  readonly output_map: Readonly<Record<string, string>>;
  /** Kept free for the server itself. */
  readonly model_namespace: string;
}

/** An ensemble: models whose tensors feed one another. */
export interface ModelEnsembling {
  /** The models; order does not matter. */
  readonly step: readonly ModelEnsemblingStep[];
  /** How many requests may be in flight at each step; 0: no limit. */
  readonly max_inflight_requests: number;
}

/** A parameter of the model. */
export interface ModelParameter {
  /** The value, as text. */
  readonly string_value: string;
}

/** How to make up one input. */
export interface ModelWarmupInput {
  /** Element type. */
  readonly data_type: DataType;
  /** Dimensions without the batch dimension, none variable. */
  readonly dims: readonly number[];
  /**
   * All zeros; counts as soon as it is set, whatever its value. Not together with `random_data` or
   * `input_data_file`.
   */
  readonly zero_data?: boolean;
  /**
   * Random values, zeros for TYPE_STRING; counts as soon as it is set, whatever its value. Not together with
   * `zero_data` or `input_data_file`.
   */
  readonly random_data?: boolean;
  /**
   * File in the model's `warmup` directory with the raw data, row-major. Not together with `zero_data` or
   * `random_data`.
   */
  readonly input_data_file?: string;
}

/** A request that is executed before the model counts as ready. */
export interface ModelWarmup {
  /** Name of the sample. */
  readonly name: string;
  /** Batch size; the inputs are repeated to reach it. 1 when the model does not batch. */
  readonly batch_size: number;
  /** Every input of the model by name, control inputs included. */
  readonly inputs: Readonly<Record<string, ModelWarmupInput>>;
  /** How often the sample is executed; 0 counts as 1. */
  readonly count: number;
}

/** Libraries with custom operators. */
export interface ModelOperations {
  /** Paths of the libraries, as the server sees them. */
  readonly op_library_filename: readonly string[];
}

/** How requests and responses of the model relate. */
export interface ModelTransactionPolicy {
  /** True: a request may have no, one or many responses, in any order. False: exactly one. */
  readonly decoupled: boolean;
}

/** One agent. */
export interface ModelRepositoryAgentsAgent {
  /** Name of the agent. */
  readonly name: string;
  /** Its settings, as the agent defines. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Repository agents: hooks that run when the model is loaded and unloaded. */
export interface ModelRepositoryAgents {
  /** The agents, in the order in which they run. */
  readonly agents: readonly ModelRepositoryAgentsAgent[];
}

/** Use of the response cache. */
export interface ModelResponseCache {
  /** Whether responses are cached and given again for equal requests. */
  readonly enable: boolean;
}

/** Which metric. */
export interface ModelMetricsMetricControlMetricIdentifier {
  /** Name of the metric family. */
  readonly family: string;
}

/** Settings of a histogram. */
export interface ModelMetricsMetricControlHistogramOptions {
  /** Upper bounds of the buckets, ascending; the one to infinity is added. */
  readonly buckets: readonly number[];
}

/** Settings of one metric. */
export interface ModelMetricsMetricControl {
  /** Which metric. */
  readonly metric_identifier?: ModelMetricsMetricControlMetricIdentifier;
  /** Settings of a histogram. */
  readonly histogram_options?: ModelMetricsMetricControlHistogramOptions;
}

/** Settings of the model's metrics. */
export interface ModelMetrics {
  /** Metrics that differ from the default. */
  readonly metric_control: readonly ModelMetricsMetricControl[];
}

/** The configuration of a model. */
export interface ModelConfig {
  /** Name of the model; '' becomes the name of its directory. */
  readonly name: string;
  /** Kind of model file, such as `onnxruntime_onnx`, or `ensemble`; '' when `backend` says enough. */
  readonly platform: string;
  /** Name of the backend that executes the model. */
  readonly backend: string;
  /** File that implements the backend, in place of the backend's default one. */
  readonly runtime: string;
  /** Which versions are served; absent: the latest one. */
  readonly version_policy?: ModelVersionPolicy;
  /** Largest batch; above 0 every tensor has a batch dimension before its `dims`, at 0 none has. */
  readonly max_batch_size: number;
  /** Inputs of the model. */
  readonly input: readonly ModelInput[];
  /** Outputs of the model. */
  readonly output: readonly ModelOutput[];
  /** Inputs the backend makes from the whole batch. */
  readonly batch_input: readonly BatchInput[];
  /** Outputs that are spread over the batch in a special way. */
  readonly batch_output: readonly BatchOutput[];
  /** Optimization settings; absent: defaults. */
  readonly optimization?: ModelOptimizationPolicy;
  /**
   * Join independent requests into batches. Not together with `sequence_batching` or `ensemble_scheduling`.
   */
  readonly dynamic_batching?: ModelDynamicBatching;
  /**
   * Keep the requests of a sequence together and in order. Not together with `dynamic_batching` or
   * `ensemble_scheduling`.
   */
  readonly sequence_batching?: ModelSequenceBatching;
  /** The model is an ensemble of others. Not together with `dynamic_batching` or `sequence_batching`. */
  readonly ensemble_scheduling?: ModelEnsembling;
  /** Instances; empty: one group is made up. */
  readonly instance_group: readonly ModelInstanceGroup[];
  /** File of the model in its version directory; '' becomes the backend's default, such as `model.onnx`. */
  readonly default_model_filename: string;
  /** Model file by CUDA compute capability, such as `8.0`. */
  readonly cc_model_filenames: Readonly<Record<string, string>>;
  /** Labels added to the model's metrics. */
  readonly metric_tags: Readonly<Record<string, string>>;
  /** Parameters for the backend and the model. */
  readonly parameters: Readonly<Record<string, ModelParameter>>;
  /** Requests executed before the model counts as ready. */
  readonly model_warmup: readonly ModelWarmup[];
  /** Libraries with custom operators. */
  readonly model_operations?: ModelOperations;
  /** How requests and responses relate; absent: one response for each request. */
  readonly model_transaction_policy?: ModelTransactionPolicy;
  /** Hooks that run when the model is loaded and unloaded. */
  readonly model_repository_agents?: ModelRepositoryAgents;
  /** Use of the response cache; absent: not used. */
  readonly response_cache?: ModelResponseCache;
  /** Settings of the model's metrics; absent: defaults. */
  readonly model_metrics?: ModelMetrics;
}
