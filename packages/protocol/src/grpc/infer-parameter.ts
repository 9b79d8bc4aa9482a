import type { Parameters, ParameterValue, SharedMemoryRef } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import type { WireReader } from './wire-reader.ts';
import { delimitedByteSize, stringByteSize, varintByteSize, type WireWriter } from './wire-writer.ts';

/** The choices of `InferParameter`, by the names that Triton's error messages use. */
export type InferParameterKind =
  'bool_param' | 'int64_param' | 'string_param' | 'double_param' | 'uint64_param' | 'none';

/** An entry of a `map<string, InferParameter>`, with the kind that the client chose. */
export interface InferParameter {
  readonly name: string;
  readonly kind: InferParameterKind;
  readonly value: ParameterValue;
}

/** Integers outside this range only fit `uint64_param`. */
const INT64_MAX = 2n ** 63n - 1n;

/** Reads one map entry: a length-delimited message with a key and an `InferParameter`. */
export function readParameter(reader: WireReader): InferParameter {
  const end = reader.delimited();
  let name = '';
  let parameter: Omit<InferParameter, 'name'> = { kind: 'none', value: '' };
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) parameter = readChoice(reader);
    else reader.skip(tag);
  }
  reader.expectEnd(end);
  return { name, kind: parameter.kind, value: parameter.value };
}

function readChoice(reader: WireReader): Omit<InferParameter, 'name'> {
  const end = reader.delimited();
  let kind: InferParameterKind = 'none';
  let value: ParameterValue = '';
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 0x08:
        [kind, value] = ['bool_param', reader.bool()];
        break;
      case 0x10:
        [kind, value] = ['int64_param', reader.int64()];
        break;
      case 0x1a:
        [kind, value] = ['string_param', reader.string()];
        break;
      case 0x21:
        [kind, value] = ['double_param', reader.double()];
        break;
      case 0x28:
        [kind, value] = ['uint64_param', reader.uint64()];
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.expectEnd(end);
  return { kind, value };
}

/** The plain record of parameters; undefined when there are none. */
export function toParameters(parameters: readonly InferParameter[]): Parameters | undefined {
  if (parameters.length === 0) return undefined;
  return Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
}

/**
 * The shared-memory place among the parameters of a tensor.
 *
 * @throws InferenceServerError INVALID_ARG when a parameter has the wrong kind, or one of region and size is
 * missing.
 */
export function toSharedMemoryRef(
  parameters: readonly InferParameter[],
  tensorName: string,
): SharedMemoryRef | undefined {
  if (parameters.length === 0) return undefined;
  const region = findShared(parameters, 'shared_memory_region', 'string_param', tensorName);
  const offset = findShared(parameters, 'shared_memory_offset', 'int64_param', tensorName);
  const byteSize = findShared(parameters, 'shared_memory_byte_size', 'int64_param', tensorName);
  if (region !== undefined && byteSize !== undefined) {
    return { region: String(region), byteSize: Number(byteSize), offset: Number(offset ?? 0) };
  }
  if (region !== undefined) {
    throw invalidArg(
      `'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor '${tensorName}'`,
    );
  }
  if (offset === undefined && byteSize === undefined) return undefined;
  const lonely = offset === undefined ? 'shared_memory_byte_size' : 'shared_memory_offset';
  throw invalidArg(
    `'${lonely}' can not be specified without 'shared_memory_region' parameter for tensor '${tensorName}'`,
  );
}

function findShared(
  parameters: readonly InferParameter[],
  name: string,
  kind: InferParameterKind,
  tensorName: string,
): ParameterValue | undefined {
  const parameter = parameters.findLast((candidate) => candidate.name === name);
  if (parameter === undefined || parameter.kind === kind) return parameter?.value;
  throw invalidArg(
    `invalid value type for '${name}' parameter for tensor '${tensorName}', expected ${kind}.`,
  );
}

/** The parameters that put a tensor into shared memory. */
export function fromSharedMemoryRef(ref: SharedMemoryRef | undefined): Parameters | undefined {
  if (ref === undefined) return undefined;
  return {
    shared_memory_region: ref.region,
    shared_memory_byte_size: ref.byteSize,
    shared_memory_offset: ref.offset,
  };
}

/** Bytes of a parameter map, each entry with a one-byte tag. */
export function parametersByteSize(parameters: Parameters | undefined): number {
  if (parameters === undefined) return 0;
  let byteSize = 0;
  for (const [name, value] of Object.entries(parameters)) byteSize += parameterByteSize(name, value);
  return byteSize;
}

/** Bytes of one map entry with its one-byte tag. */
export function parameterByteSize(name: string, value: ParameterValue): number {
  return delimitedByteSize(entryByteSize(name, choiceByteSize(value)));
}

/** Writes a parameter map, each entry with the tag. */
export function writeParameters(writer: WireWriter, tag: number, parameters: Parameters | undefined): void {
  if (parameters === undefined) return;
  for (const [name, value] of Object.entries(parameters)) writeParameter(writer, tag, name, value);
}

/** Writes one map entry: booleans as bool_param, integers as int64_param, other numbers as double_param. */
export function writeParameter(writer: WireWriter, tag: number, name: string, value: ParameterValue): void {
  const valueByteSize = choiceByteSize(value);
  writer.message(tag, entryByteSize(name, valueByteSize));
  writer.string(0x0a, name);
  writer.message(0x12, valueByteSize);
  writeChoice(writer, value);
}

function entryByteSize(name: string, valueByteSize: number): number {
  return stringByteSize(name) + delimitedByteSize(valueByteSize);
}

function choiceByteSize(value: ParameterValue): number {
  if (typeof value === 'boolean') return 2;
  if (typeof value === 'string') return stringByteSize(value);
  const isInteger = typeof value === 'bigint' || Number.isSafeInteger(value);
  return isInteger ? 1 + varintByteSize(value) : 9;
}

function writeChoice(writer: WireWriter, value: ParameterValue): void {
  if (typeof value === 'string') return writer.string(0x1a, value);
  if (typeof value === 'boolean') {
    writer.tag(0x08);
    writer.varint(value ? 1 : 0);
  } else if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
    writer.tag(value > INT64_MAX ? 0x28 : 0x10);
    writer.varint(value);
  } else {
    writer.tag(0x21);
    writer.double(value);
  }
}

function invalidArg(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message);
}
