/** Messages of gRPC, of schedulers and backends, of settings and the command. */
import { row, type ErrorMessages } from './error-message.ts';

/** By what they are about. */
export const SERVER_ERROR_MESSAGES: ErrorMessages = {
  'Inference over gRPC': [
    row(
      'INTERNAL',
      'Unable to parse request',
      'bytes that are no such message',
      'use the proto files of the server',
    ),
    row(
      'INVALID_ARG',
      "contents field must not be specified when using raw_input_contents for '<input>' for model '<model>'",
      'both kinds of contents',
      'use one for all inputs',
    ),
    row(
      'INVALID_ARG',
      "unable to find data for input tensor '<input>' for model '<model>' in request.",
      'no contents',
      'send them',
    ),
    row(
      'INVALID_ARG',
      "unexpected explicit tensor data for input tensor '<input>' for model '<model>'",
      'contents of another datatype',
      'use the field of the datatype',
    ),
    row(
      'INVALID_ARG',
      "unexpected 'content' provided when using shared memory for input tensor '<input>' for model '<model>'",
      'contents and a region',
      'use one',
    ),
    row(
      'INVALID_ARG',
      "'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor '<tensor>'",
      'a region without a size',
      'send both',
    ),
    row(
      'INVALID_ARG',
      "invalid value type for '<name>' parameter, expected <types>.",
      'a parameter of another type',
      'use the type named',
    ),
    row(
      'INVALID_ARG',
      "parameter keys starting with 'triton_' are reserved for Triton usage.",
      'such a key',
      'name it otherwise',
    ),
    row(
      'UNAVAILABLE',
      'GRPC server is shutting down and has stopped accepting new requests.',
      'the server is told to stop',
      'ask another one',
    ),
    row(
      'UNAVAILABLE',
      "This protocol is restricted, expecting header '<header>'",
      'a call of `--grpc-restricted-protocol` without its metadata',
      'send the header',
    ),
  ],
  'Queues and sequences': [
    row(
      'UNAVAILABLE',
      'Exceeds maximum queue size',
      'as many wait as `max_queue_size` allows',
      'try again later, add instances',
    ),
    row(
      'UNAVAILABLE',
      'Request timeout expired',
      'it waited longer than its timeout',
      'try again later, add instances',
    ),
    row('CANCELLED', 'request was cancelled', 'the client gave up', ''),
    row('UNAVAILABLE', 'the server is shutting down', 'the server is told to stop', 'ask another one'),
    row(
      'UNAVAILABLE',
      'the model is unloaded',
      'it was, while the request waited',
      'ask again when it is loaded',
    ),
    row(
      'UNAVAILABLE',
      'the model instance was closed',
      'the model was unloaded or its thread ended',
      'try again',
    ),
    row(
      'INVALID_ARG',
      "inference request to model '<model>' must specify a non-zero or non-empty correlation ID",
      'a sequence model without an ID',
      'send `sequence_id`',
    ),
    row(
      'INVALID_ARG',
      "inference request for sequence <id> to model '<model>' must specify the START flag on the first request of the sequence",
      'a sequence that is not known, or was idle too long',
      'begin it with `sequence_start`',
    ),
    row(
      'INVALID_ARG',
      "inference request to model '<model>' must specify batch-size 1 due to requirements of sequence batcher",
      'a batch for a sequence model',
      'send one row',
    ),
  ],
  Execution: [
    row('INTERNAL', 'onnx runtime error <n>: <reason>', 'ONNX Runtime failed', 'see its reason'),
    row(
      'INTERNAL',
      'the backend returned without answering the request',
      'a mistake of the backend',
      'tell its author',
    ),
    row(
      'INTERNAL',
      "model '<model>' ended a request without a response",
      'a mistake of the backend',
      'tell its author',
    ),
    row(
      'INTERNAL',
      "tensor '<tensor>': expected <what>, found <what>",
      'a tensor that a backend made is wrong',
      'tell its author',
    ),
    row(
      'INVALID_ARG',
      'unexpected deadlock, no step produced output <output>',
      'a step of an ensemble did not give what was asked',
      'look at its models',
    ),
    row(
      'UNSUPPORTED',
      "model '<model>' is decoupled: use inferStream",
      '`infer` in process',
      'use `inferStream`',
    ),
  ],
  'Shared memory, trace and log settings': [
    row(
      'NOT_FOUND',
      "Unable to find system shared memory region: '<region>'",
      'no such region',
      'register it',
    ),
    row(
      'NOT_FOUND',
      "Unable to find shared memory region: '<region>'",
      'a request that uses a region',
      'send the data in the request',
    ),
    row(
      'UNSUPPORTED',
      "shared memory region '<region>' can't be registered",
      'shared memory is off',
      'send the data in the request',
    ),
    row('INVALID_ARG', "Shared memory register request has no '<field>' field", 'incomplete', 'add it'),
    row(
      'INVALID_ARG',
      'Attempting to set invalid trace setting :<reason>',
      'a setting that does not exist',
      'look at the settings',
    ),
    row(
      'INVALID_ARG',
      "Unable to parse '<setting>', got: <value>",
      'a trace setting that is no number',
      'send a number',
    ),
    row(
      'UNAVAILABLE',
      'invalid argument for --log_format, got: <format>',
      'a format that does not exist',
      'see `--log-format`',
    ),
    row(
      'INVALID_ARG',
      "expect <what> for '<setting>'",
      'a log setting of another type',
      'send what is expected',
    ),
  ],
  'The command': [
    row(
      'INVALID_ARG',
      'unknown option --<flag>; did you mean --<flag>?',
      'a flag that does not exist',
      'see [options](options.md)',
    ),
    row(
      'INVALID_ARG',
      "option --<flag>: expected <what>, found '<value>'",
      'a value that the flag cannot have',
      'write what is expected',
    ),
    row('INVALID_ARG', 'option --model-repository must be given at least once', 'no repository', 'name one'),
    row(
      'INVALID_ARG',
      'options --<flag> and --<flag> are both <port> at <address>',
      'one port twice',
      'change one',
    ),
    row(
      'UNAVAILABLE',
      'cannot listen for HTTP on <address>:<port>: <reason>',
      'the port is in use or not allowed; the same for gRPC',
      'choose another',
    ),
    row(
      'INVALID_ARG',
      "--log-file: cannot write '<file>': <reason>",
      'the file cannot be made',
      'check the path',
    ),
    row(
      'UNSUPPORTED',
      'option --trace-config: mode opentelemetry is not supported yet, use triton',
      'tracing to a collector',
      'use mode `triton`',
    ),
  ],
};
