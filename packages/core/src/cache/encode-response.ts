/**
 * A cached response as bytes, for stores outside of this process: the length of the head as an unsigned 32-bit
 * little-endian integer, the head as JSON, then the bytes of the outputs, one after another.
 */
import { isDatatype, type Parameters, type ParameterValue, type Tensor } from '@nereid/protocol';
import type { CachedResponse } from './response-cache.ts';

const LENGTH_BYTES = 4;
/** Changes with the format: entries of another one are not read. */
const FORMAT = 1;

/** JSON has no bigint: it is told apart by its type. */
type EncodedParameter = readonly [name: string, type: string, value: string | number | boolean];

interface Head {
  readonly format: number;
  readonly isComplete: boolean;
  readonly parameters: readonly EncodedParameter[] | undefined;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly byteLength: number;
  }[];
}

export function encodeResponse({ outputs, parameters, isComplete }: CachedResponse): Buffer {
  const head: Head = {
    format: FORMAT,
    isComplete,
    parameters: parameters && Object.entries(parameters).map(encodeParameter),
    outputs: outputs.map(({ name, datatype, shape, data }) => {
      return { name, datatype, shape, byteLength: data.byteLength };
    }),
  };
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, ...outputs.map(({ data }) => data)]);
}

/** The response; its tensors are views on `bytes`. Undefined when they are no response of this format. */
export function decodeResponse(bytes: Buffer): CachedResponse | undefined {
  try {
    let offset = LENGTH_BYTES + bytes.readUInt32LE();
    const head = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, offset)) as Head;
    if (head.format !== FORMAT) return undefined;
    const outputs: Tensor[] = [];
    for (const { name, datatype, shape, byteLength } of head.outputs) {
      if (!isDatatype(datatype)) return undefined;
      outputs.push({ name, datatype, shape, data: bytes.subarray(offset, offset + byteLength) });
      offset += byteLength;
    }
    if (offset !== bytes.length) return undefined;
    return { outputs, parameters: decodeParameters(head.parameters), isComplete: head.isComplete };
  } catch {
    // Cut off, or written by something else.
    return undefined;
  }
}

function encodeParameter([name, value]: readonly [string, ParameterValue]): EncodedParameter {
  return typeof value === 'bigint' ? [name, 'bigint', String(value)] : [name, typeof value, value];
}

function decodeParameters(parameters: Head['parameters']): Parameters | undefined {
  return (
    parameters &&
    Object.fromEntries(
      parameters.map(([name, type, value]) => [name, type === 'bigint' ? BigInt(value) : value]),
    )
  );
}
