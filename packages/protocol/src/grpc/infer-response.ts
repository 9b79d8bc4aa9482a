import type { InferOutput, InferResponseMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import {
  parameterByteSize,
  parametersByteSize,
  readParameter,
  toParameters,
  toSharedMemoryRef,
  writeParameter,
  writeParameters,
  type InferParameter,
} from './infer-parameter.ts';
import { decodeTensorContents } from './tensor-contents.ts';
import { readTensorFields, type TensorFields } from './tensor-fields.ts';
import { WireReader } from './wire-reader.ts';
import { delimitedByteSize, optionalStringByteSize, packedInt64ByteSize, WireWriter } from './wire-writer.ts';

/** The largest message that gRPC carries. */
const MAX_MESSAGE_BYTE_SIZE = 2 ** 31 - 1;

/** Tells on a stream whether more responses to the request follow. */
export const FINAL_RESPONSE_PARAMETER = 'triton_final_response';

const NO_BYTES: Uint8Array = new Uint8Array(0);

/**
 * Encodes a `ModelInferResponse` into one new buffer. Every output has an entry in `raw_output_contents`, an
 * empty one when its data went into shared memory.
 *
 * @param allocate - Memory for it, which need not be zeroed. Default: fresh memory.
 * @throws InferenceServerError INVALID_ARG when the message would be larger than gRPC allows.
 */
export function encodeModelInferResponse(
  response: InferResponseMessage,
  allocate?: (byteSize: number) => Buffer,
): Buffer {
  const writer = new WireWriter(assertMessageByteSize(responseByteSize(response, undefined)), allocate);
  writeResponse(writer, response, undefined);
  return writer.buffer;
}

/** Gives a size back when gRPC can carry it. */
export function assertMessageByteSize(byteSize: number): number {
  if (byteSize <= MAX_MESSAGE_BYTE_SIZE) return byteSize;
  throw new InferenceServerError(
    'INVALID_ARG',
    `Response has byte size ${byteSize} which exceeds gRPC's byte size limit ${MAX_MESSAGE_BYTE_SIZE}.`,
  );
}

/** Bytes of a `ModelInferResponse`, with the final flag of streams unless that is undefined. */
export function responseByteSize(response: InferResponseMessage, final: boolean | undefined): number {
  let byteSize =
    optionalStringByteSize(response.modelName) +
    optionalStringByteSize(response.modelVersion) +
    optionalStringByteSize(response.id) +
    parametersByteSize(response.parameters);
  if (final !== undefined) byteSize += parameterByteSize(FINAL_RESPONSE_PARAMETER, final);
  for (const output of response.outputs) {
    byteSize += delimitedByteSize(outputByteSize(output)) + delimitedByteSize(rawContents(output).length);
  }
  return byteSize;
}

/** Writes a `ModelInferResponse` of {@link responseByteSize} bytes. */
export function writeResponse(
  writer: WireWriter,
  response: InferResponseMessage,
  final: boolean | undefined,
): void {
  writer.optionalString(0x0a, response.modelName);
  writer.optionalString(0x12, response.modelVersion);
  writer.optionalString(0x1a, response.id);
  writeParameters(writer, 0x22, response.parameters);
  if (final !== undefined) writeParameter(writer, 0x22, FINAL_RESPONSE_PARAMETER, final);
  for (const output of response.outputs) {
    writer.message(0x2a, outputByteSize(output));
    writer.optionalString(0x0a, output.name);
    writer.optionalString(0x12, output.datatype);
    writer.packedInt64(0x1a, output.shape);
  }
  for (const output of response.outputs) writer.bytes(0x32, rawContents(output));
}

function outputByteSize(output: InferOutput): number {
  return (
    optionalStringByteSize(output.name) +
    optionalStringByteSize(output.datatype) +
    packedInt64ByteSize(output.shape)
  );
}

/** Triton does not echo the region of an output in shared memory; its entry is just empty. */
function rawContents(output: InferOutput): Uint8Array {
  return output.sharedMemory === undefined ? output.data : NO_BYTES;
}

/**
 * Decodes a serialised `ModelInferResponse`, for clients. Raw contents become views of `bytes`; typed
 * contents, which other servers than Triton use, become new bytes in the layout of raw ones.
 *
 * @throws InferenceServerError INTERNAL when the bytes are not a ModelInferResponse; INVALID_ARG when an
 * output has no known datatype or its typed contents do not suit it.
 */
export function decodeModelInferResponse(bytes: Uint8Array): InferResponseMessage {
  const reader = new WireReader(bytes);
  let modelName = '';
  let modelVersion = '';
  let id = '';
  const parameters: InferParameter[] = [];
  const tensors: TensorFields[] = [];
  const raw: Uint8Array[] = [];
  while (reader.position < bytes.length) {
    const tag = reader.tag();
    switch (tag) {
      case 0x0a:
        modelName = reader.string();
        break;
      case 0x12:
        modelVersion = reader.string();
        break;
      case 0x1a:
        id = reader.string();
        break;
      case 0x22:
        parameters.push(readParameter(reader));
        break;
      case 0x2a:
        tensors.push(readTensorFields(reader, reader.delimited()));
        break;
      case 0x32:
        raw.push(reader.view());
        break;
      default:
        reader.skip(tag);
    }
  }
  const outputs = tensors.map((tensor, index) => toInferOutput(tensor, raw[index], modelName));
  return { modelName, modelVersion, id, parameters: toParameters(parameters), outputs };
}

function toInferOutput(fields: TensorFields, raw: Uint8Array | undefined, modelName: string): InferOutput {
  const { name, datatype, shape, contents } = fields;
  if (datatype === undefined) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `inference output '${name}' of model '${modelName}' has no datatype`,
    );
  }
  const sharedMemory = toSharedMemoryRef(fields.parameters, name);
  const typed =
    contents === undefined ? NO_BYTES : decodeTensorContents(contents, { name, modelName, datatype });
  const data = raw ?? typed;
  return sharedMemory === undefined
    ? { name, datatype, shape, data }
    : { name, datatype, shape, data, sharedMemory };
}
