/** Every kind of message that the server answers with. A test looks each of them up in the sources. */
import type { StatusCode } from '@nereid/protocol';

/** One kind of message; `<…>` stands for what differs. */
export interface ErrorMessage {
  readonly code: StatusCode;
  readonly text: string;
  readonly when: string;
  /** What the reader can do about it. */
  readonly remedy: string;
}

/** The messages by what they are about. */
export const ERROR_MESSAGES: Readonly<Record<string, readonly ErrorMessage[]>> = {
  'Which model': [
    row('NOT_FOUND', "Request for unknown model: '<model>' is not found", 'no such model', 'look at the repository index'),
    row('NOT_FOUND', "Request for unknown model: '<model>' has no available versions", 'none is ready', 'the index says why'),
    row('UNAVAILABLE', "Request for unknown model: '<model>' version <version> is not at ready state", 'that version is not ready', 'leave the version out, or load it'),
    row('INVALID_ARG', 'failed to get model version from specified version string \'<version>\'', 'the version is no number', 'name a number, or none'),
    row('INVALID_ARG', "requested model '<model>' is not available", 'statistics of a model that is not ready', 'look at the index'),
    row('INVALID_ARG', "requested model version is not available for model '<model>'", 'statistics of a version that is not ready', 'look at the index'),
    row('INVALID_ARG', 'Request for unknown model : <model>', 'trace settings of a model that is not there', 'look at the index'),
  ],
  'Inputs and outputs of a request': [
    row('INVALID_ARG', "expected <n> inputs but got <n> inputs for model '<model>'. Got input(s) [<names>], but missing required input(s) [<names>].", 'inputs are missing or too many', 'compare with the metadata'),
    row('INVALID_ARG', "unexpected inference input '<input>' for model '<model>'", 'an input that the model does not have', 'compare with the metadata'),
    row('INVALID_ARG', "unexpected inference output '<output>' for model '<model>'", 'an output that the model does not have', 'compare with the metadata'),
    row('INVALID_ARG', "input '<input>' already exists in request", 'an input twice', 'send it once'),
    row('INVALID_ARG', "inference input '<input>' data-type is '<datatype>', but model '<model>' expects '<datatype>'", 'another datatype', 'convert before sending'),
    row('INVALID_ARG', "unexpected shape for input '<input>' for model '<model>'. Expected <shape>, got <shape>.", 'a shape that does not fit `dims`', 'compare with the metadata; with `max_batch_size` the batch comes first'),
    row('INVALID_ARG', "input '<input>' has no shape but model requires batch dimension for '<model>'", 'an empty shape for a model that batches', 'put the batch first'),
    row('INVALID_ARG', "input '<input>' batch size does not match other inputs for '<model>': it is <n>, that of '<input>' is <n>", 'inputs with different first dimensions', 'send as many rows of each'),
    row('INVALID_ARG', "inference request batch-size must be <= <n> for '<model>'", 'more rows than `max_batch_size`', 'send less at once, or raise it'),
    row('INVALID_ARG', "inference request batch-size must be >= 1 for '<model>', got <n>", 'a batch of no rows', 'send at least one'),
    row('INVALID_ARG', "shape <shape> of input '<input>' for model '<model>' is too large", 'more elements than can be counted', 'check the shape'),
    row('INVALID_ARG', "input byte size mismatch for input '<input>' for model '<model>'. Expected <n>, got <n>", 'the data is not as long as the shape says', 'check shape, datatype and data'),
    row('INVALID_ARG', "expected <n> string elements for inference input '<input>' for model '<model>', got <n>", 'too few or too many elements of BYTES', 'check shape and data'),
    row('INVALID_ARG', 'incomplete string data for inference input <input>, expecting string of length <n> but only <n> bytes available', 'BYTES that end within an element; the same for its length', 'write four bytes of length before each element'),
    row('INVALID_ARG', "input '<input>' has no data", 'an input without any data', 'send data, in process: give `data`'),
    row('INVALID_ARG', "class result not available for output due to unsupported type '<datatype>'", 'classification of such an output', 'ask for the output itself'),
  ],
  'Inference over HTTP': [
    row('INTERNAL', 'failed to parse the request JSON buffer: <reason> at <n>', 'the body is no JSON', 'look at that place of the body'),
    row('INTERNAL', "Unable to parse '<member>': attempt to access non-existing object member '<member>'", 'a member is missing', 'add it'),
    row('INTERNAL', "Unable to parse 'data': attempt to access JSON non-<type> as <type>", 'a value of another kind than the datatype', 'send values of the datatype'),
    row('INTERNAL', "Unable to parse 'data': JSON nesting depth exceeds maximum allowed limit", 'too many brackets', 'send `data` flat'),
    row('INTERNAL', 'Unable to parse JSON bytes array: attempt to access JSON non-string as string', 'an element of BYTES is no text', 'send texts'),
    row('INVALID_ARG', "value <value> of input '<input>' is out of range for datatype <datatype>", 'an integer that does not fit', 'send a smaller one or another datatype'),
    row('INVALID_ARG', 'receiving <FP16 or BF16> data via JSON is not supported. Please use the binary data format for input <input>', 'there is no JSON for these', 'send binary data'),
    row('INVALID_ARG', 'invalid datatype for <input or output> <name>', 'a datatype that does not exist', 'use those of the protocol'),
    row('INVALID_ARG', "unexpected size for input '<input>', expecting <n> additional bytes for model '<model>'", 'the body ends before the binary data', 'check `binary_data_size`'),
    row('INVALID_ARG', "unexpected additional input data for model '<model>'", 'the body goes on after the binary data', 'check `binary_data_size`'),
    row('INVALID_ARG', 'Unable to parse <header>, got: <value>', '`Inference-Header-Content-Length` is no number', 'send the length of the JSON'),
    row('INVALID_ARG', 'inference header size should be in range (0, <n>), got: <n>', 'that header is larger than the body', 'send the length of the JSON'),
    row('INVALID_ARG', "JSON input '<input>' has a byte_size (<n> bytes) that exceeds the maximum allowed value of <n> bytes. Use --http-max-input-size to increase the limit.", 'a large tensor as JSON', 'send it binary, or raise the limit'),
    row('INVALID_ARG', 'request JSON size of <n> bytes exceeds the maximum allowed input size of <n> bytes. Use --http-max-input-size to increase the limit.', 'a large JSON part', 'send binary data, or raise the limit'),
    row('INVALID_ARG', 'Raw input has a byte_size (<n> bytes) that exceeds the maximum allowed value of <n>', 'a large raw request', 'raise the limit'),
    row('INVALID_ARG', "The shape of the raw input '<input>' can not be deduced", 'a raw request to a model of variable shape', 'send a JSON header with the shape'),
    row('INVALID_ARG', 'Raw request must only have 1 input (found 1) to be deduced but got <n> inputs', 'a raw request to a model of several inputs', 'send a JSON header'),
    row('INVALID_ARG', "parameter '<name>' has invalid type. It should be either 'int', 'bool', or 'string'.", 'a parameter that is a list or object', 'send a simple value'),
    row('INVALID_ARG', "Output can't set both 'shared_memory_region' and '<other>'", 'two places for an output', 'choose one'),
    row('INVALID_ARG', 'decompressed request exceeds the maximum allowed input size of <n> bytes.', 'a body that grows beyond `--http-max-input-size`', 'raise the limit'),
    row('INVALID_ARG', 'unable to decompress the request body: <reason>', 'the body is not what `Content-Encoding` says', 'send gzip or zlib'),
    row('INVALID_ARG', 'nothing to be decompressed', 'an empty body with `Content-Encoding`', 'leave the header out'),
    row('UNSUPPORTED', 'Unsupported compression type', 'a `Content-Encoding` but gzip and deflate', 'use one of them'),
    row('INVALID_ARG', 'request body is too large: <n>, at most <n> bytes are taken', 'a body of more than the server takes at all', 'split it'),
    row('UNAVAILABLE', 'no memory for a request body of <n> bytes', 'the machine is short of memory', 'try again later'),
    row('UNSUPPORTED', "HTTP end point doesn't support models with decoupled transaction policy", 'a decoupled model', 'use the stream of gRPC'),
  ],
  'Inference over gRPC': [
    row('INTERNAL', 'Unable to parse request', 'bytes that are no such message', 'use the proto files of the server'),
    row('INVALID_ARG', "contents field must not be specified when using raw_input_contents for '<input>' for model '<model>'", 'both kinds of contents', 'use one for all inputs'),
    row('INVALID_ARG', "unable to find data for input tensor '<input>' for model '<model>' in request.", 'no contents', 'send them'),
    row('INVALID_ARG', "unexpected explicit tensor data for input tensor '<input>' for model '<model>'", 'contents of another datatype', 'use the field of the datatype'),
    row('INVALID_ARG', "unexpected 'content' provided when using shared memory for input tensor '<input>' for model '<model>'", 'contents and a region', 'use one'),
    row('INVALID_ARG', "'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor '<tensor>'", 'a region without a size', 'send both'),
    row('INVALID_ARG', "invalid value type for '<name>' parameter, expected <types>.", 'a parameter of another type', 'use the type named'),
    row('INVALID_ARG', "parameter keys starting with 'triton_' are reserved for Triton usage.", 'such a key', 'name it otherwise'),
    row('UNAVAILABLE', 'GRPC server is shutting down and has stopped accepting new requests.', 'the server is told to stop', 'ask another one'),
    row('UNAVAILABLE', "This protocol is restricted, expecting header '<header>'", 'a call of `--grpc-restricted-protocol` without its metadata', 'send the header'),
  ],
  'Queues and sequences': [
    row('UNAVAILABLE', 'Exceeds maximum queue size', 'as many wait as `max_queue_size` allows', 'try again later, add instances'),
    row('UNAVAILABLE', 'Request timeout expired', 'it waited longer than its timeout', 'try again later, add instances'),
    row('CANCELLED', 'request was cancelled', 'the client gave up', ''),
    row('UNAVAILABLE', 'the server is shutting down', 'the server is told to stop', 'ask another one'),
    row('UNAVAILABLE', 'the model is unloaded', 'it was, while the request waited', 'ask again when it is loaded'),
    row('UNAVAILABLE', 'the model instance was closed', 'the model was unloaded or its thread ended', 'try again'),
    row('INVALID_ARG', "inference request to model '<model>' must specify a non-zero or non-empty correlation ID", 'a sequence model without an ID', 'send `sequence_id`'),
    row('INVALID_ARG', "inference request for sequence <id> to model '<model>' must specify the START flag on the first request of the sequence", 'a sequence that is not known, or was idle too long', 'begin it with `sequence_start`'),
    row('INVALID_ARG', "inference request to model '<model>' must specify batch-size 1 due to requirements of sequence batcher", 'a batch for a sequence model', 'send one row'),
  ],
  'Execution': [
    row('INTERNAL', 'onnx runtime error <n>: <reason>', 'ONNX Runtime failed', 'see its reason'),
    row('INTERNAL', 'the backend returned without answering the request', 'a mistake of the backend', 'tell its author'),
    row('INTERNAL', "model '<model>' ended a request without a response", 'a mistake of the backend', 'tell its author'),
    row('INTERNAL', "tensor '<tensor>': expected <what>, found <what>", 'a tensor that a backend made is wrong', 'tell its author'),
    row('INVALID_ARG', 'unexpected deadlock, no step produced output <output>', 'a step of an ensemble did not give what was asked', 'look at its models'),
    row('UNSUPPORTED', "model '<model>' is decoupled: use inferStream", '`infer` in process', 'use `inferStream`'),
  ],
  'Loading models': [
    row('UNAVAILABLE', 'explicit model load / unload is not allowed if polling is enabled', 'mode `poll`', 'use `--model-control-mode=explicit`'),
    row('INTERNAL', "failed to load '<model>', failed to poll from model repository", 'no such folder', 'check the name'),
    row('INVALID_ARG', "load failed for model '<model>': <reason>", 'the model cannot be loaded', 'see the reason'),
    row('INTERNAL', "failed to load model '<model>': <reason>", 'at the start', 'see the reason, or `--exit-on-error=false`'),
    row('INVALID_ARG', "a load request for model '<model>' with files must have a 'config', too", 'files without a configuration', 'send both'),
    row('INVALID_ARG', "model name '<model>' is not a valid name of a folder in the repository", 'a path as name', 'name a folder'),
    row('INVALID_ARG', "load parameter '<name>' is not valid base64", 'a file of a load over HTTP', 'encode it'),
    row('INTERNAL', "unrecognized load parameter '<name>'.", 'over HTTP; INVALID_ARG over gRPC', 'send `config` and `file:<path>`'),
    row('UNSUPPORTED', "'repository_name' specification is not supported", 'a load that names a repository', 'leave it out'),
    row('UNAVAILABLE', "model repository '<folder>' can't be read: <reason>", 'the folder is not there or closed', 'check the path'),
    row('INVALID_ARG', "at least one version must be available under the version policy of model '<model>'", 'no version folder, or none selected', 'add one'),
    row('INVALID_ARG', "unable to find backend '<backend>': no installed package provides it", 'the backend is not installed', 'install its package, or use `--backend-directory`'),
    row('INTERNAL', "backend module <file> can't be loaded: <reason>", 'the package of a backend is broken', 'install it anew'),
    row('INVALID_ARG', "could not determine backend for model '<model>' with no backend in model configuration", 'neither `backend` nor a file tells', 'set `backend`'),
    row('INTERNAL', 'failed to stat file <file>', 'no model file in the version folder', 'see `default_model_filename`'),
    row('INVALID_ARG', "ensemble '<model>' depends on '<model>' which has no loaded version", 'a model of the ensemble is not ready', 'load that one'),
    row('INVALID_ARG', "load failed for model '<model>': circular dependency between ensembles", 'ensembles that contain each other', 'break the circle'),
    row('INVALID_ARG', 'in ensemble <model>, <reason>', 'models that do not fit together', 'see the reason'),
  ],
  'Model configuration': [
    row('INVALID_ARG', "<file>:<line>:<column>: unknown field '<field>' in <message>", 'a field that does not exist', 'take the name that is proposed'),
    row('INVALID_ARG', '<file>: not valid JSON: <reason>', 'an override of a load', 'look at that place'),
    row('INVALID_ARG', "unexpected directory name '<folder>' for model '<model>', directory name must equal model name", '`name` differs from the folder', 'leave `name` out'),
    row('INVALID_ARG', "model input '<input>' must specify 'dims' for <model>", 'incomplete, and no file tells', 'add it; the same for `name` and `data_type`'),
    row('INVALID_ARG', "unable to load model '<model>', configuration expects <what>, model provides <what>", 'file and configuration contradict', 'follow the file'),
    row('INVALID_ARG', "model '<model>', tensor '<tensor>': the model expects <n> dimensions (shape <shape>) but the model configuration specifies", 'the same for shapes', 'follow the file'),
    row('INVALID_ARG', 'instance group <name> of model <model> has kind KIND_GPU but no GPUs are available', 'GPU instances', 'use `KIND_CPU`'),
    row('UNSUPPORTED', "unable to load model '<model>', execution accelerator '<name>' of a <kind> instance: this ONNX Runtime has", 'a provider that is not there', 'take one that is'),
    row('INVALID_ARG', "model '<model>', parameter '<name>': expected <what>, found '<value>'", 'a parameter that a backend reads', 'write what is expected'),
    row('UNSUPPORTED', "'<file>' must be a path within the folder '<folder>' of model '<model>'", 'a file outside of the model', 'move it inside'),
    row('INTERNAL', 'failed to open text file for read <file>: <reason>', 'a label, warm-up or state file', 'check the path'),
    row('INVALID_ARG', 'Response Cache does not currently support model <model> with', 'sequences and decoupled models', 'disable `response_cache`'),
  ],
  'Shared memory, trace and log settings': [
    row('NOT_FOUND', "Unable to find system shared memory region: '<region>'", 'no such region', 'register it'),
    row('NOT_FOUND', "Unable to find shared memory region: '<region>'", 'a request that uses a region', 'send the data in the request'),
    row('UNSUPPORTED', "shared memory region '<region>' can't be registered", 'shared memory is off', 'send the data in the request'),
    row('INVALID_ARG', "Shared memory register request has no '<field>' field", 'incomplete', 'add it'),
    row('INVALID_ARG', 'Attempting to set invalid trace setting :<reason>', 'a setting that does not exist', 'look at the settings'),
    row('INVALID_ARG', "Unable to parse '<setting>', got: <value>", 'a trace setting that is no number', 'send a number'),
    row('UNAVAILABLE', 'invalid argument for --log_format, got: <format>', 'a format that does not exist', 'see `--log-format`'),
    row('INVALID_ARG', "expect <what> for '<setting>'", 'a log setting of another type', 'send what is expected'),
  ],
  'The command': [
    row('INVALID_ARG', 'unknown option --<flag>; did you mean --<flag>?', 'a flag that does not exist', 'see [options](options.md)'),
    row('INVALID_ARG', "option --<flag>: expected <what>, found '<value>'", 'a value that the flag cannot have', 'write what is expected'),
    row('INVALID_ARG', 'option --model-repository must be given at least once', 'no repository', 'name one'),
    row('INVALID_ARG', 'options --<flag> and --<flag> are both <port> at <address>', 'one port twice', 'change one'),
    row('UNAVAILABLE', 'cannot listen for HTTP on <address>:<port>: <reason>', 'the port is in use or not allowed; the same for gRPC', 'choose another'),
    row('INVALID_ARG', "--log-file: cannot write '<file>': <reason>", 'the file cannot be made', 'check the path'),
    row('UNSUPPORTED', 'option --trace-config: mode opentelemetry is not supported yet, use triton', 'tracing to a collector', 'use mode `triton`'),
  ],
};

/** The parts of a message that do not differ. */
export function fixedParts(text: string): readonly string[] {
  return text.split(/<[^<>=]*>/).filter((part) => /\w{3}/.test(part));
}

function row(code: StatusCode, text: string, when: string, remedy: string): ErrorMessage {
  return { code, text, when, remedy };
}
