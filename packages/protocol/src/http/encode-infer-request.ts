/** InferRequestMessage → the body of `POST /v2/models/{model}/infer`, for clients. */
import type { InferInput, InferRequestedOutput, InferRequestMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { encodeJsonData } from './encode-json-data.ts';
import { sharedMemoryParameters } from './shared-memory-ref.ts';
import { stringifyParameters } from './stringify-parameters.ts';
import { stringifyTensorHead } from './tensor-head.ts';

/** How to encode a request. */
export interface EncodeInferRequestOptions {
  /** For each input, in order: as bytes after the JSON (true) or as a `data` list. */
  readonly binary: readonly boolean[];
}

/** A request body in parts: the JSON, then the chunks. */
export interface EncodedInferRequest {
  readonly header: Buffer;
  /** The bytes of the binary inputs, in order; not copied. */
  readonly chunks: readonly Uint8Array[];
  /** Value of the header `Inference-Header-Content-Length`; undefined without binary inputs: leave it out. */
  readonly headerLength: number | undefined;
}

/**
 * Encodes an inference request; `modelName` and `modelVersion` belong in the URL. A `rawInput` is sent as it is.
 *
 * @throws InferenceServerError INVALID_ARG for FP16 and BF16 inputs that are not binary, and inputs without content.
 */
export function encodeInferRequest(
  request: InferRequestMessage,
  options: EncodeInferRequestOptions,
): EncodedInferRequest {
  if (request.rawInput !== undefined) {
    return { header: Buffer.alloc(0), chunks: [request.rawInput], headerLength: 0 };
  }
  const chunks: Uint8Array[] = [];
  const inputs: string[] = [];
  for (const [index, input] of request.inputs.entries()) {
    inputs.push(stringifyInput(input, options.binary[index] ? chunks : undefined));
  }
  let text = '{';
  if (request.id !== '') text += `"id":${JSON.stringify(request.id)},`;
  const parameters = requestParameters(request);
  if (parameters !== undefined) text += `"parameters":${stringifyParameters(parameters)},`;
  text += `"inputs":[${inputs.join(',')}]`;
  if (request.outputs.length > 0) text += `,"outputs":${JSON.stringify(request.outputs.map(toOutputJson))}`;
  const header = Buffer.from(`${text}}`, 'utf8');
  return { header, chunks, headerLength: chunks.length > 0 ? header.length : undefined };
}

function requestParameters(request: InferRequestMessage): InferRequestMessage['parameters'] {
  const { sequence, priority, timeoutUs, binaryDataOutput } = request;
  const parameters = {
    ...request.parameters,
    ...(sequence && { sequence_id: sequence.id, sequence_start: sequence.start, sequence_end: sequence.end }),
    ...(priority !== 0 && { priority }),
    ...(timeoutUs !== 0 && { timeout: timeoutUs }),
    ...(binaryDataOutput && { binary_data_output: true }),
  };
  return Object.keys(parameters).length > 0 ? parameters : undefined;
}

/** One input; its bytes are appended to the chunks when there are any. */
function stringifyInput(input: InferInput, chunks: Uint8Array[] | undefined): string {
  const { name, datatype, shape, data } = input;
  const head = stringifyTensorHead(input);
  if (input.sharedMemory !== undefined) {
    return `${head},"parameters":${JSON.stringify(sharedMemoryParameters(input.sharedMemory))}}`;
  }
  if (data === undefined) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `input '${name}' has neither data nor a shared memory region`,
    );
  }
  if (chunks === undefined) return `${head},"data":${encodeJsonData({ name, datatype, shape, data })}}`;
  chunks.push(data);
  return `${head},"parameters":{"binary_data_size":${data.length}}}`;
}

function toOutputJson(output: InferRequestedOutput): object {
  const { name, classification, sharedMemory } = output;
  if (sharedMemory !== undefined) return { name, parameters: sharedMemoryParameters(sharedMemory) };
  return {
    name,
    parameters: { binary_data: output.binaryData, ...(classification > 0 && { classification }) },
  };
}
