/** The `inputs` of an inference request. */
import { datatypeByteSize } from '../datatype.ts';
import type { InferInput } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { elementCount, shapeToString } from '../shape.ts';
import { decodeJsonData } from './decode-json-data.ts';
import { arrayMember, memberOf, toUnsignedValue } from './json-member.ts';
import type { JsonValue } from './parse-json.ts';
import { decodeSharedMemoryRef } from './shared-memory-ref.ts';
import { decodeTensorHead, type TensorHead } from './tensor-head.ts';

/** The body that the binary inputs are taken from, one after another. */
export interface InputSource {
  readonly body: Uint8Array;
  /** For error messages. */
  readonly modelName: string;
  /** Limit for each tensor in JSON, decoded. */
  readonly maxJsonBytes: number;
  /** Where the next binary input begins. */
  position: number;
}

/** Decodes the member `inputs`; afterwards the body must be used up. */
export function decodeInputs(json: JsonValue, source: InputSource): InferInput[] {
  const inputs: InferInput[] = [];
  for (const input of arrayMember(json, 'inputs')) inputs.push(decodeInput(input, source));
  if (source.position !== source.body.length) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `unexpected additional input data for model '${source.modelName}'`,
    );
  }
  return inputs;
}

function decodeInput(json: JsonValue, source: InputSource): InferInput {
  const parameters = memberOf(json, 'parameters');
  const binarySize = memberOf(parameters, 'binary_data_size');
  const sharedMemory = memberOf(parameters, 'shared_memory_region');
  assertOneContent(memberOf(json, 'data'), binarySize, sharedMemory);

  const head = decodeTensorHead(json, 'input');
  const { name, datatype, shape } = head;
  const ref = decodeSharedMemoryRef(parameters);
  if (ref !== undefined) return { name, datatype, shape, sharedMemory: ref };
  const data =
    binarySize === undefined
      ? decodeJsonInput(json, head, source)
      : takeBinary(Number(toUnsignedValue(binarySize, 'binary_data_size')), name, source);
  return { name, datatype, shape, data };
}

function assertOneContent(
  data: JsonValue | undefined,
  binarySize: JsonValue | undefined,
  sharedMemory: JsonValue | undefined,
): void {
  const count =
    Number(data !== undefined) + Number(binarySize !== undefined) + Number(sharedMemory !== undefined);
  if (count === 1) return;
  let set = '';
  if (data !== undefined) set += " 'data'";
  if (binarySize !== undefined) set += " 'binary_data_size'";
  if (sharedMemory !== undefined) set += " 'shared_memory_region'";
  throw new InferenceServerError(
    'INVALID_ARG',
    "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', " +
      `'shared_memory_region' in 'parameters'. But ${count === 0 ? 'no field is set' : `set${set}`}`,
  );
}

function takeBinary(size: number, name: string, source: InputSource): Uint8Array {
  const end = source.position + size;
  if (end > source.body.length) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `unexpected size for input '${name}', expecting ${end - source.body.length} additional bytes ` +
        `for model '${source.modelName}'`,
    );
  }
  const data = source.body.subarray(source.position, end);
  source.position = end;
  return data;
}

function decodeJsonInput(json: JsonValue, head: TensorHead, source: InputSource): Uint8Array {
  const { name, datatype, shape } = head;
  const count = elementCount(shape);
  if (count < 0) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `invalid shape for input '${name}': shape ${shapeToString(shape)} causes total element count to exceed ` +
        `maximum size of ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  // Before anything of that size is allocated.
  assertInputSize(count * datatypeByteSize(datatype), name, source);
  const data = decodeJsonData(arrayMember(json, 'data'), { name, datatype, elementCount: count });
  assertInputSize(data.length, name, source);
  return data;
}

function assertInputSize(byteSize: number, name: string, source: InputSource): void {
  if (byteSize <= source.maxJsonBytes) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `JSON input '${name}' has a byte_size (${byteSize} bytes) that exceeds the maximum allowed value of ` +
      `${source.maxJsonBytes} bytes. Use --http-max-input-size to increase the limit.`,
  );
}
