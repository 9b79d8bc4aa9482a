/** What input tensors of a request and output tensors of a response have in common on the wire. */
import { DATATYPES, type Datatype } from '../datatype.ts';
import { readParameter, type InferParameter } from './infer-parameter.ts';
import type { WireReader } from './wire-reader.ts';

/** A tensor message as it stands on the wire, its data not yet found. */
export interface TensorFields {
  readonly name: string;
  /** undefined: the name is not a datatype. */
  readonly datatype: Datatype | undefined;
  readonly shape: number[];
  readonly parameters: readonly InferParameter[];
  /** The serialised `InferTensorContents`, if there are any. */
  readonly contents: Uint8Array | undefined;
}

const NO_PARAMETERS: readonly InferParameter[] = [];

/** Reads an `InferInputTensor` or `InferOutputTensor`, whose fields have the same numbers, up to `end`. */
export function readTensorFields(reader: WireReader, end: number): TensorFields {
  let name = '';
  let datatype: Datatype | undefined;
  let parameters: InferParameter[] | undefined;
  let contents: Uint8Array | undefined;
  const shape: number[] = [];
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case 0x0a:
        name = reader.string();
        break;
      case 0x12:
        datatype = readDatatype(reader);
        break;
      case 0x18:
        shape.push(Number(reader.int64()));
        break;
      case 0x1a:
        readPackedInt64(reader, shape);
        break;
      case 0x22:
        (parameters ??= []).push(readParameter(reader));
        break;
      case 0x2a:
        contents = mergeMessages(contents, reader.view());
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.expectEnd(end);
  return { name, datatype, shape, parameters: parameters ?? NO_PARAMETERS, contents };
}

/** A datatype by its wire name, without making a string of it; undefined when there is no such datatype. */
function readDatatype(reader: WireReader): Datatype | undefined {
  const end = reader.delimited();
  const start = reader.position;
  reader.position = end;
  for (const datatype of DATATYPES) {
    if (datatype.length === end - start && spells(reader.bytes, start, datatype)) return datatype;
  }
  return undefined;
}

function spells(bytes: Uint8Array, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

function readPackedInt64(reader: WireReader, values: number[]): void {
  const end = reader.delimited();
  while (reader.position < end) values.push(Number(reader.int64()));
  reader.expectEnd(end);
}

/** protobuf merges a message that occurs twice, which is the same as reading both one after the other. */
function mergeMessages(first: Uint8Array | undefined, second: Uint8Array): Uint8Array {
  return first === undefined ? second : Buffer.concat([first, second]);
}
