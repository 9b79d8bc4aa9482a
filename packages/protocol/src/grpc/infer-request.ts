import type { Datatype } from '../datatype.ts';
import type { InferInput, InferRequestedOutput, InferRequestMessage, Parameters } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import {
  fromSharedMemoryRef,
  parametersByteSize,
  readParameter,
  toSharedMemoryRef,
  writeParameters,
  type InferParameter,
} from './infer-parameter.ts';
import { decodeRequestParameters, toWireParameters } from './request-parameters.ts';
import { decodeTensorContents } from './tensor-contents.ts';
import { readTensorFields, type TensorFields } from './tensor-fields.ts';
import { WireReader } from './wire-reader.ts';
import { delimitedByteSize, optionalStringByteSize, packedInt64ByteSize, WireWriter } from './wire-writer.ts';

const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_PARAMETERS: readonly InferParameter[] = [];

/**
 * The top level of a ModelInferRequest. Embedded messages are only located at first, as positions start, end,
 * start, end … in the bytes: inputs cannot be read before it is known whether there are raw contents, which
 * come after them.
 */
interface Envelope {
  modelName: string;
  modelVersion: string;
  id: string;
  parameters: InferParameter[] | undefined;
  readonly inputs: number[];
  readonly outputs: number[];
  readonly rawContents: number[];
  /** Where in `rawContents` the next input without shared memory finds its own. */
  nextRaw: number;
}

/**
 * Decodes a serialised `ModelInferRequest`. Raw contents become views of `bytes`; typed contents become new
 * bytes in the layout of raw ones. Shapes, sizes and names are left for the model to check.
 *
 * @throws InferenceServerError INTERNAL when the bytes are not a ModelInferRequest; INVALID_ARG when a
 * parameter has the wrong kind or value, when the data of an input are missing, given twice or in the wrong
 * field, or when an input has no known datatype.
 */
export function decodeModelInferRequest(bytes: Uint8Array): InferRequestMessage {
  const reader = new WireReader(bytes);
  const envelope = readEnvelope(reader);
  const known = decodeRequestParameters(envelope.parameters ?? NO_PARAMETERS);
  return {
    modelName: envelope.modelName,
    modelVersion: envelope.modelVersion,
    id: envelope.id,
    inputs: decodeInputs(reader, envelope),
    outputs: decodeOutputs(reader, envelope),
    binaryDataOutput: false,
    priority: known.priority,
    timeoutUs: known.timeoutUs,
    sequence: known.sequence,
    parameters: known.parameters,
    enableEmptyFinalResponse: known.enableEmptyFinalResponse,
  };
}

/**
 * The id of a serialised `ModelInferRequest` that could not be decoded, for the answer that tells so on a
 * stream. Never throws: '' when there is no id to be found.
 */
export function requestIdOf(bytes: Uint8Array): string {
  const reader = new WireReader(bytes);
  let id = '';
  try {
    while (reader.position < bytes.length) {
      const tag = reader.tag();
      if (tag === 0x1a) id = reader.string();
      else reader.skip(tag);
    }
  } catch {
    // Bytes that end early may still have shown the id.
  }
  return id;
}

function readEnvelope(reader: WireReader): Envelope {
  const envelope: Envelope = {
    modelName: '',
    modelVersion: '',
    id: '',
    parameters: undefined,
    inputs: [],
    outputs: [],
    rawContents: [],
    nextRaw: 0,
  };
  const byteSize = reader.bytes.length;
  while (reader.position < byteSize) {
    const tag = reader.tag();
    switch (tag) {
      case 0x0a:
        envelope.modelName = reader.string();
        break;
      case 0x12:
        envelope.modelVersion = reader.string();
        break;
      case 0x1a:
        envelope.id = reader.string();
        break;
      case 0x22:
        (envelope.parameters ??= []).push(readParameter(reader));
        break;
      case 0x2a:
        locate(reader, envelope.inputs);
        break;
      case 0x32:
        locate(reader, envelope.outputs);
        break;
      case 0x3a:
        locate(reader, envelope.rawContents);
        break;
      default:
        reader.skip(tag);
    }
  }
  return envelope;
}

function locate(reader: WireReader, positions: number[]): void {
  const end = reader.delimited();
  positions.push(reader.position, end);
  reader.position = end;
}

function decodeInputs(reader: WireReader, envelope: Envelope): InferInput[] {
  const positions = envelope.inputs;
  const inputs: InferInput[] = [];
  for (let index = 0; index < positions.length; index += 2) {
    reader.position = positions[index] ?? 0;
    const fields = readTensorFields(reader, positions[index + 1] ?? 0);
    inputs.push(toInferInput(fields, envelope, reader.bytes));
  }
  return inputs;
}

function toInferInput(fields: TensorFields, envelope: Envelope, bytes: Uint8Array): InferInput {
  const { name, shape } = fields;
  const sharedMemory = toSharedMemoryRef(fields.parameters, name);
  if (sharedMemory !== undefined) {
    if (fields.contents !== undefined) {
      throw invalidArg(
        `unexpected 'content' provided when using shared memory for input tensor '${name}' for model '${envelope.modelName}'`,
      );
    }
    return { name, datatype: expectDatatype(fields, envelope), shape, sharedMemory };
  }
  const data = findData(fields, envelope, bytes);
  return { name, datatype: expectDatatype(fields, envelope), shape, data };
}

function findData(fields: TensorFields, envelope: Envelope, bytes: Uint8Array): Uint8Array {
  const { name, datatype, contents } = fields;
  const { modelName, rawContents } = envelope;
  if (contents !== undefined) {
    if (rawContents.length === 0) return decodeTensorContents(contents, { name, modelName, datatype });
    throw invalidArg(
      `contents field must not be specified when using raw_input_contents for '${name}' for model '${modelName}'`,
    );
  }
  const start = rawContents[envelope.nextRaw++];
  const end = rawContents[envelope.nextRaw++];
  if (start !== undefined) return bytes.subarray(start, end);
  throw invalidArg(`unable to find data for input tensor '${name}' for model '${modelName}' in request.`);
}

function expectDatatype(fields: TensorFields, envelope: Envelope): Datatype {
  if (fields.datatype !== undefined) return fields.datatype;
  throw invalidArg(
    `[request id: ${envelope.id || '<id_unknown>'}] inference input '${fields.name}' data-type is '<invalid>' for model '${envelope.modelName}'`,
  );
}

function decodeOutputs(reader: WireReader, envelope: Envelope): InferRequestedOutput[] {
  const positions = envelope.outputs;
  const outputs: InferRequestedOutput[] = [];
  for (let index = 0; index < positions.length; index += 2) {
    reader.position = positions[index] ?? 0;
    outputs.push(decodeOutput(reader, positions[index + 1] ?? 0));
  }
  return outputs;
}

function decodeOutput(reader: WireReader, end: number): InferRequestedOutput {
  let name = '';
  let parameters = NO_PARAMETERS;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) parameters = [...parameters, readParameter(reader)];
    else reader.skip(tag);
  }
  reader.expectEnd(end);
  if (parameters.length === 0) return { name, classification: 0, binaryData: false };
  const sharedMemory = toSharedMemoryRef(parameters, name);
  const classification = toClassification(parameters);
  if (sharedMemory === undefined) return { name, classification, binaryData: false };
  if (classification === 0) return { name, classification, binaryData: false, sharedMemory };
  throw invalidArg("output can't set both 'shared_memory_region' and 'classification'");
}

function toClassification(parameters: readonly InferParameter[]): number {
  const parameter = parameters.findLast(({ name }) => name === 'classification');
  if (parameter === undefined) return 0;
  if (parameter.kind !== 'int64_param') {
    throw invalidArg("invalid value type for 'classification' parameter, expected int64_param");
  }
  const count = Number(parameter.value);
  // Triton's text says '>= 0', but it refuses 0 as well.
  if (count <= 0) throw invalidArg("invalid value for 'classification' parameter, expected >= 0");
  return count;
}

function invalidArg(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message);
}

/**
 * Encodes a `ModelInferRequest` into one new buffer, for clients. Data always go into `raw_input_contents`;
 * inputs in shared memory have no entry there. `rawInput` and what only HTTP has (`binaryData`) are left out.
 */
export function encodeModelInferRequest(message: InferRequestMessage): Buffer {
  const parameters = toWireParameters(message);
  const writer = new WireWriter(requestByteSize(message, parameters));
  writer.optionalString(0x0a, message.modelName);
  writer.optionalString(0x12, message.modelVersion);
  writer.optionalString(0x1a, message.id);
  writeParameters(writer, 0x22, parameters);
  for (const input of message.inputs) {
    writer.message(0x2a, inputByteSize(input));
    writer.optionalString(0x0a, input.name);
    writer.optionalString(0x12, input.datatype);
    writer.packedInt64(0x1a, input.shape);
    writeParameters(writer, 0x22, fromSharedMemoryRef(input.sharedMemory));
  }
  for (const output of message.outputs) {
    writer.message(0x32, outputByteSize(output));
    writer.optionalString(0x0a, output.name);
    writeParameters(writer, 0x12, outputParameters(output));
  }
  for (const input of message.inputs) {
    if (input.sharedMemory === undefined) writer.bytes(0x3a, input.data ?? NO_BYTES);
  }
  return writer.buffer;
}

function requestByteSize(message: InferRequestMessage, parameters: Parameters | undefined): number {
  let byteSize =
    optionalStringByteSize(message.modelName) +
    optionalStringByteSize(message.modelVersion) +
    optionalStringByteSize(message.id) +
    parametersByteSize(parameters);
  for (const input of message.inputs) {
    byteSize += delimitedByteSize(inputByteSize(input));
    if (input.sharedMemory === undefined) byteSize += delimitedByteSize(input.data?.length ?? 0);
  }
  for (const output of message.outputs) byteSize += delimitedByteSize(outputByteSize(output));
  return byteSize;
}

function inputByteSize(input: InferInput): number {
  return (
    optionalStringByteSize(input.name) +
    optionalStringByteSize(input.datatype) +
    packedInt64ByteSize(input.shape) +
    parametersByteSize(fromSharedMemoryRef(input.sharedMemory))
  );
}

function outputByteSize(output: InferRequestedOutput): number {
  return optionalStringByteSize(output.name) + parametersByteSize(outputParameters(output));
}

function outputParameters(output: InferRequestedOutput): Parameters | undefined {
  if (output.classification === 0) return fromSharedMemoryRef(output.sharedMemory);
  return { ...fromSharedMemoryRef(output.sharedMemory), classification: output.classification };
}
