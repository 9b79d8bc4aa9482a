/** The body that answers `POST /v2/models/{model}/infer` → InferResponseMessage, for clients. */
import type { InferOutput, InferResponseMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { elementCount } from '../shape.ts';
import { decodeJsonData } from './decode-json-data.ts';
import { jsonLengthOf } from './inference-header.ts';
import {
  arrayMember,
  isJsonArray,
  memberOf,
  stringMember,
  toStringValue,
  toUnsignedValue,
} from './json-member.ts';
import { parseInferJson } from './parse-infer-json.ts';
import type { JsonValue } from './parse-json.ts';
import { decodeResponseParameters } from './request-parameters.ts';
import { decodeTensorHead } from './tensor-head.ts';

/**
 * Decodes an inference response. Binary outputs are views on `body`; an output that went into shared memory has
 * empty data. Bare NaN and Infinity are understood.
 *
 * @param headerLength the value of `Inference-Header-Content-Length`; undefined: all of the body is JSON
 * @throws InferenceServerError INTERNAL or INVALID_ARG when the body is not an inference response.
 */
export function decodeInferResponse(
  body: Uint8Array,
  headerLength: number | undefined,
): InferResponseMessage {
  const source = { body, position: jsonLengthOf(body, headerLength) };
  const json = parseInferJson(body, source.position, 'outputs');
  const outputs: InferOutput[] = [];
  for (const output of arrayMember(json, 'outputs')) outputs.push(decodeOutput(output, source));
  return {
    modelName: stringMember(json, 'model_name'),
    modelVersion: toStringValue(memberOf(json, 'model_version') ?? '', 'model_version'),
    id: toStringValue(memberOf(json, 'id') ?? '', 'id'),
    parameters: decodeResponseParameters(memberOf(json, 'parameters')),
    outputs,
  };
}

interface OutputSource {
  readonly body: Uint8Array;
  /** Where the next binary output begins. */
  position: number;
}

function decodeOutput(json: JsonValue, source: OutputSource): InferOutput {
  const { name, datatype, shape } = decodeTensorHead(json, 'output');
  const list = memberOf(json, 'data');
  const data = isJsonArray(list)
    ? decodeJsonData(list, { name, datatype, elementCount: elementCount(shape) })
    : takeBinary(json, name, source);
  return { name, datatype, shape, data };
}

function takeBinary(json: JsonValue, name: string, source: OutputSource): Uint8Array {
  const size = memberOf(memberOf(json, 'parameters'), 'binary_data_size') ?? 0;
  const end = source.position + Number(toUnsignedValue(size, 'binary_data_size'));
  if (end > source.body.length) {
    throw new InferenceServerError(
      'INTERNAL',
      `unexpected size for output '${name}', expecting ${end - source.body.length} additional bytes`,
    );
  }
  const data = source.body.subarray(source.position, end);
  source.position = end;
  return data;
}
