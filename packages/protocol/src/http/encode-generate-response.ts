/** InferResponseMessage → the flat JSON object that answers `generate` and `generate_stream`. */
import type { InferResponseMessage } from '../infer-message.ts';
import { elementCount } from '../shape.ts';
import { encodeJsonData } from './encode-json-data.ts';
import { stringifyParameters } from './stringify-parameters.ts';

/**
 * Encodes a response: `id` if there is one, model name and version, each response parameter and each output as a
 * member of its own. An output of one element is that element, any other a flat list.
 *
 * @throws InferenceServerError INVALID_ARG for FP16 and BF16 outputs, INTERNAL for outputs whose bytes do not fit
 *   their shape.
 */
export function encodeGenerateResponse(response: InferResponseMessage): string {
  const { id, modelName, modelVersion, parameters, outputs } = response;
  const members = [
    `"model_name":${JSON.stringify(modelName)}`,
    `"model_version":${JSON.stringify(modelVersion)}`,
  ];
  if (id !== '') members.unshift(`"id":${JSON.stringify(id)}`);
  if (parameters !== undefined && Object.keys(parameters).length > 0) {
    members.push(stringifyParameters(parameters).slice(1, -1));
  }
  for (const output of outputs) {
    const list = encodeJsonData(output);
    const value = elementCount(output.shape) === 1 ? list.slice(1, -1) : list;
    members.push(`${JSON.stringify(output.name)}:${value}`);
  }
  return `{${members.join(',')}}`;
}
