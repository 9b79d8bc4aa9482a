/**
 * Typed tensor contents (`InferTensorContents`): values in protobuf fields instead of raw bytes. They become
 * the bytes of the tensor, little-endian, as if the client had sent them raw.
 */
import { datatypeByteSize, type Datatype } from '../datatype.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { malformedMessage, WireReader } from './wire-reader.ts';

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

interface ContentsField {
  /** What error messages call the values of this field. */
  readonly datatype: Datatype;
  readonly accepts: readonly Datatype[];
  /** How a value that is not packed is laid out. */
  readonly wireType: number;
}

/** By field number; 0 is none. */
const FIELDS: readonly (ContentsField | undefined)[] = [
  undefined,
  { datatype: 'BOOL', accepts: ['BOOL'], wireType: VARINT },
  { datatype: 'INT32', accepts: ['INT8', 'INT16', 'INT32'], wireType: VARINT },
  { datatype: 'INT64', accepts: ['INT64'], wireType: VARINT },
  { datatype: 'UINT32', accepts: ['UINT8', 'UINT16', 'UINT32'], wireType: VARINT },
  { datatype: 'UINT64', accepts: ['UINT64'], wireType: VARINT },
  { datatype: 'FP32', accepts: ['FP32'], wireType: FIXED32 },
  { datatype: 'FP64', accepts: ['FP64'], wireType: FIXED64 },
  { datatype: 'BYTES', accepts: ['BYTES'], wireType: LENGTH_DELIMITED },
];

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Where the values of one field lie in the contents: start and end of each run, one after the other. */
type Runs = number[];

/** The tensor that typed contents belong to. */
export interface ContentsOwner {
  readonly name: string;
  readonly modelName: string;
  /** undefined: the name on the wire is not a datatype, which no field can match. */
  readonly datatype: Datatype | undefined;
}

/**
 * The bytes of a tensor from its typed contents. Whether there are as many values as the shape says is not
 * checked.
 *
 * @param contents The serialised `InferTensorContents`.
 * @throws InferenceServerError INVALID_ARG when a field with values does not suit the datatype, or two have
 * values.
 */
export function decodeTensorContents(contents: Uint8Array, owner: ContentsOwner): Uint8Array {
  const runsByField = findRuns(contents);
  let filled: ContentsField | undefined;
  let bytes: Uint8Array = NO_BYTES;
  for (const [number, field] of FIELDS.entries()) {
    const runs = runsByField[number];
    if (field === undefined || runs === undefined) continue;
    if (filled !== undefined) throw unexpectedData(owner, ', binary data was already supplied.');
    if (owner.datatype === undefined || !field.accepts.includes(owner.datatype)) {
      throw unexpectedData(
        owner,
        ` of type '${field.datatype}', expected datatype '${owner.datatype ?? '<invalid>'}'`,
      );
    }
    filled = field;
    bytes = toTensorBytes(contents, runs, field, datatypeByteSize(owner.datatype));
  }
  return bytes;
}

function unexpectedData(owner: ContentsOwner, what: string): InferenceServerError {
  const subject = `unexpected explicit tensor data for input tensor '${owner.name}' for model '${owner.modelName}'`;
  return new InferenceServerError('INVALID_ARG', subject + what);
}

/** By field number; a field without values has no runs. Values may be packed or not, whatever the field. */
function findRuns(contents: Uint8Array): (Runs | undefined)[] {
  const runsByField: (Runs | undefined)[] = FIELDS.map(() => undefined);
  const reader = new WireReader(contents);
  while (reader.position < contents.length) {
    const tag = reader.tag();
    const number = tag >>> 3;
    const start = reader.position;
    reader.skip(tag);
    const wireType = FIELDS[number]?.wireType;
    if (wireType === (tag & 7) && wireType !== LENGTH_DELIMITED) {
      (runsByField[number] ??= []).push(start, reader.position);
    } else if (wireType !== undefined && (tag & 7) === LENGTH_DELIMITED) {
      const end = reader.position;
      reader.position = start;
      reader.delimited();
      if (reader.position < end || wireType === LENGTH_DELIMITED)
        (runsByField[number] ??= []).push(reader.position, end);
      reader.position = end;
    }
  }
  return runsByField;
}

function toTensorBytes(
  contents: Uint8Array,
  runs: Runs,
  field: ContentsField,
  elementByteSize: number,
): Uint8Array {
  switch (field.wireType) {
    case VARINT:
      return fromVarints(contents, runs, elementByteSize);
    case LENGTH_DELIMITED:
      return fromElements(contents, runs);
    default:
      return fromFixed(contents, runs, elementByteSize);
  }
}

/** Integers of any width and booleans: the low bytes of each varint. */
function fromVarints(contents: Uint8Array, runs: Runs, elementByteSize: number): Uint8Array {
  const target = new Uint8Array(countVarints(contents, runs) * elementByteSize);
  const reader = new WireReader(contents);
  let at = 0;
  for (let run = 0; run < runs.length; run += 2) {
    const end = runs[run + 1] ?? 0;
    reader.position = runs[run] ?? 0;
    while (reader.position < end) {
      reader.varint();
      // The element of an array of bytes takes the low eight bits of what is assigned to it.
      for (let byte = 0; byte < elementByteSize; byte++) {
        target[at++] = byte < 4 ? reader.low >>> (8 * byte) : reader.high >>> (8 * byte - 32);
      }
    }
    reader.expectEnd(end);
  }
  return target;
}

/** Every varint has exactly one byte below 0x80, its last. */
function countVarints(contents: Uint8Array, runs: Runs): number {
  let count = 0;
  for (let run = 0; run < runs.length; run += 2) {
    const end = runs[run + 1] ?? 0;
    for (let at = runs[run] ?? 0; at < end; at++) if ((contents[at] ?? 0) < 0x80) count++;
  }
  return count;
}

/** BYTES elements, each with its length in four bytes before it. */
function fromElements(contents: Uint8Array, runs: Runs): Uint8Array {
  let byteSize = 0;
  for (let run = 0; run < runs.length; run += 2) byteSize += 4 + (runs[run + 1] ?? 0) - (runs[run] ?? 0);
  const target = Buffer.allocUnsafe(byteSize);
  let at = 0;
  for (let run = 0; run < runs.length; run += 2) {
    const element = contents.subarray(runs[run], runs[run + 1]);
    at = target.writeUInt32LE(element.length, at);
    target.set(element, at);
    at += element.length;
  }
  return target;
}

/** Floats lie on the wire as in the tensor, so the usual single packed run is taken as it is. */
function fromFixed(contents: Uint8Array, runs: Runs, elementByteSize: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let run = 0; run < runs.length; run += 2) {
    const part = contents.subarray(runs[run], runs[run + 1]);
    if (part.length % elementByteSize !== 0) throw malformedMessage();
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] ?? NO_BYTES) : Buffer.concat(parts);
}
