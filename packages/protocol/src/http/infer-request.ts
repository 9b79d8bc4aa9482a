/** The body of `POST /v2/models/{model}/infer` → InferRequestMessage. */
import type { InferRequestMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeInputs } from './decode-inputs.ts';
import { decodeRequestedOutputs } from './decode-requested-outputs.ts';
import { jsonLengthOf } from './inference-header.ts';
import { memberOf, toStringValue } from './json-member.ts';
import { parseInferJson } from './parse-infer-json.ts';
import { decodeRequestParameters } from './request-parameters.ts';

/** The default of `--http-max-input-size`, in bytes: 64 MiB. */
export const DEFAULT_MAX_INPUT_SIZE = 67_108_864;

/** What the decoder has to know besides the body. */
export interface DecodeInferRequestOptions {
  readonly modelName: string;
  /** '' = the highest ready version. */
  readonly modelVersion: string;
  /** Length of the JSON part, in bytes; undefined: all of the body; 0: the body is the raw data of the only input. */
  readonly headerLength: number | undefined;
  /**
   * Limit for the JSON part, for each tensor decoded from it and for a raw body, in bytes; the binary part is not
   * limited by it. Default: {@link DEFAULT_MAX_INPUT_SIZE}.
   */
  readonly maxJsonBytes?: number;
}

/**
 * Decodes an inference request. Binary tensors are views on `body`. An empty body is a raw request, as in Triton.
 *
 * @throws InferenceServerError with Triton's codes and texts: INTERNAL for malformed JSON and members that are
 *   missing or of the wrong type, INVALID_ARG for what contradicts itself.
 */
export function decodeInferRequest(
  body: Uint8Array,
  options: DecodeInferRequestOptions,
): InferRequestMessage {
  const { modelName, modelVersion, maxJsonBytes = DEFAULT_MAX_INPUT_SIZE } = options;
  const jsonLength = jsonLengthOf(body, options.headerLength);
  if (jsonLength === 0) return toRawRequest(body, options, maxJsonBytes);
  assertJsonSize(jsonLength, maxJsonBytes);
  const json = parseInferJson(body, jsonLength, 'inputs');
  // In Triton's order, which decides about the error when there are several.
  const id = memberOf(json, 'id');
  const requestId = id === undefined ? '' : toStringValue(id, 'id');
  const parameters = decodeRequestParameters(memberOf(json, 'parameters'));
  return {
    modelName,
    modelVersion,
    id: requestId,
    inputs: decodeInputs(json, { body, modelName, maxJsonBytes, position: jsonLength }),
    outputs: decodeRequestedOutputs(json),
    binaryDataOutput: parameters.binaryDataOutput,
    priority: parameters.priority,
    timeoutUs: parameters.timeoutUs,
    sequence: parameters.sequence,
    parameters: parameters.parameters,
  };
}

function toRawRequest(
  body: Uint8Array,
  options: DecodeInferRequestOptions,
  maxJsonBytes: number,
): InferRequestMessage {
  if (body.length > maxJsonBytes) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `Raw input has a byte_size (${body.length} bytes) that exceeds the maximum allowed value of ${maxJsonBytes} ` +
        'bytes. Use --http-max-input-size to increase the limit.',
    );
  }
  return {
    modelName: options.modelName,
    modelVersion: options.modelVersion,
    id: '',
    inputs: [],
    outputs: [],
    binaryDataOutput: true,
    priority: 0,
    timeoutUs: 0,
    sequence: undefined,
    parameters: undefined,
    rawInput: body,
  };
}

function assertJsonSize(jsonLength: number, maxJsonBytes: number): void {
  if (jsonLength <= maxJsonBytes) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `request JSON size of ${jsonLength} bytes exceeds the maximum allowed input size of ${maxJsonBytes} bytes. ` +
      'Use --http-max-input-size to increase the limit.',
  );
}
