/** InferResponseMessage → the body that answers `POST /v2/models/{model}/infer`. */
import type { InferOutput, InferRequestMessage, InferResponseMessage } from '../infer-message.ts';
import { encodeJsonData } from './encode-json-data.ts';
import { stringifyParameters } from './stringify-parameters.ts';
import { stringifyTensorHead } from './tensor-head.ts';

/** A response body in parts: the JSON, then the binary outputs. */
export interface EncodedInferResponse {
  readonly json: Buffer;
  /** The bytes of the binary outputs that have any, in order; not copied. */
  readonly binaries: readonly Uint8Array[];
  /**
   * Value of the header `Inference-Header-Content-Length`. Undefined without binaries: the header is left out and
   * the content type is `application/json`, otherwise `application/octet-stream`.
   */
  readonly headerLength: number | undefined;
}

/**
 * Which outputs of a response go back as bytes: those that the request lists with `binary_data`, and all of them
 * with `binary_data_output` when it lists none.
 */
export function selectBinaryOutputs(request: InferRequestMessage, response: InferResponseMessage): boolean[] {
  const selected: boolean[] = [];
  for (const output of response.outputs) selected.push(wantsBinary(request, output.name));
  return selected;
}

function wantsBinary(request: InferRequestMessage, name: string): boolean {
  for (const requested of request.outputs) {
    if (requested.name === name) return requested.binaryData;
  }
  return request.binaryDataOutput;
}

/**
 * Encodes an inference response.
 *
 * @param isBinary for each output, in order: as bytes after the JSON (true) or as a `data` list
 * @throws InferenceServerError INVALID_ARG for FP16 and BF16 outputs that are not binary, INTERNAL for outputs whose
 *   bytes do not fit their shape.
 */
export function encodeInferResponse(
  response: InferResponseMessage,
  isBinary: readonly boolean[],
): EncodedInferResponse {
  const binaries: Uint8Array[] = [];
  const { id, modelName, modelVersion, parameters, outputs } = response;
  let text = id === '' ? '{' : `{"id":${JSON.stringify(id)},`;
  text += `"model_name":${JSON.stringify(modelName)},"model_version":${JSON.stringify(modelVersion)}`;
  if (parameters !== undefined) text += `,"parameters":${stringifyParameters(parameters)}`;
  text += ',"outputs":[';
  for (const [index, output] of outputs.entries()) {
    const binary = isBinary[index] ?? false;
    text += (index === 0 ? '' : ',') + stringifyOutput(output, binary);
    if (binary && output.data.length > 0) binaries.push(output.data);
  }
  const json = Buffer.from(`${text}]}`, 'utf8');
  return { json, binaries, headerLength: binaries.length > 0 ? json.length : undefined };
}

function stringifyOutput(output: InferOutput, binary: boolean): string {
  const head = stringifyTensorHead(output);
  // What went into shared memory is not mentioned further.
  if (output.sharedMemory !== undefined) return `${head}}`;
  if (binary) return `${head},"parameters":{"binary_data_size":${output.data.length}}}`;
  return `${head},"data":${encodeJsonData(output)}}`;
}
